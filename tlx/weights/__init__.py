"""Weights from elsewhere: read from files, renamed, converted, checked, and put into a backbone.

Importing this does not import JAX.
"""

from tlx.weights.names import Names

__all__ = ["Names"]
