"""Padding of pooling windows."""

from typing import Any

ONE_AROUND: Any = ((1, 1), (1, 1))  # a row and a column on every side; flax annotates a string, and takes this too
