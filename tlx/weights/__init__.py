"""Weights from elsewhere: read from files, renamed, converted, checked, and put into a backbone.

Importing this does not import JAX.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tlx.weights.match import Report
from tlx.weights.names import Names
from tlx.weights.source import digest, read

if TYPE_CHECKING:
    from flax import nnx

__all__ = ["Names", "Report", "digest", "load", "read"]


def load(
    module: "nnx.Module",
    tensors: Mapping[str, np.ndarray],
    kind: str | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    strict: bool = True,
) -> Report:
    """Fills a module in place from tensors of published names, or of ours; `kind` names one map of its class.

    A classifier that the module holds as attribute `head` is filled too where it has the same size, and reported as
    reinitialised where not. `shape` is that of the images, for a class whose `adapt(tensors, shape)` resizes tensors
    (position embeddings). Unless `strict`, missing and unexpected tensors are only reported.

    Raises:
        WeightsError: missing or unexpected tensors, another shape, NaN; the message names them.
    """
    from tlx.weights import module as nnx_module  # flax is first needed here

    return nnx_module.load(module, tensors, kind, shape, strict)
