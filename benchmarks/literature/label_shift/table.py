"""The table as `tlx reproduce` has it. Importing this imports no JAX."""

from collections.abc import Callable
from typing import Any

from tlx import Dataset, ProgramTable

from . import cells


def compute(load: Callable[[str], Dataset]) -> dict[str, Any]:
    """See `trials.compute`."""
    from . import trials  # which imports JAX

    return trials.compute(load)


LABEL_SHIFT_MNIST = ProgramTable("label-shift-mnist", compute, cells.table, cells.NOTES)
"""A cell is the median of a difference between two predictions of one network, over draws with replacement."""
