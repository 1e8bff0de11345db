"""The kinds of input that a dataset may have: what its arrays look like, and how the device scales them.

Shape vocabulary: rows N, height H, width W, channels C, columns D, time T. A dataset whose x is a tree has one kind,
which holds for every array of the tree.
"""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class Image:
    """Images, uint8 [N, H, W, C] in 0..255 with 1 or 3 channels.

    The protocol says their size, their channels, and the mean and deviation by which the device scales them.
    """

    kind: ClassVar[str] = "image"

    def problem(self, x: "np.ndarray") -> str | None:
        """What is wrong with an array; None if it is an image array."""
        if x.dtype != "uint8" or x.ndim != 4:
            other = " (Dataset.input names another kind: Vector(), Sequence(), Tokens())" if x.dtype != "uint8" else ""
            return f"x is {x.dtype} {x.shape}; expected uint8 [rows, height, width, channels]{other}"
        return None if x.shape[3] in (1, 3) else f"x has {x.shape[3]} channels; expected 1 (grey) or 3 (RGB)"


@dataclasses.dataclass(frozen=True)
class Vector:
    """Rows of a table, or features, float32 [N, D].

    With `standardise` the device scales each column by its mean and deviation over all source train rows; else the
    columns stay as they are.
    """

    kind: ClassVar[str] = "vector"
    standardise: bool = True

    def problem(self, x: "np.ndarray") -> str | None:
        """What is wrong with an array; None if it is an array of vectors."""
        return _float_problem(x, 2, "[rows, columns]")


@dataclasses.dataclass(frozen=True)
class Sequence:
    """Time series of one length, float32 [N, T, C].

    With `standardise` the device scales each channel by its mean and deviation over the times of all source train rows;
    else the channels stay as they are.
    """

    kind: ClassVar[str] = "sequence"
    standardise: bool = True

    def problem(self, x: "np.ndarray") -> str | None:
        """What is wrong with an array; None if it is an array of sequences."""
        return _float_problem(x, 3, "[rows, time, channels]")


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Token numbers of texts of one length, int32 [N, T] from 0 to `vocabulary` - 1. Nothing scales them."""

    vocabulary: int
    kind: ClassVar[str] = "tokens"

    def problem(self, x: "np.ndarray") -> str | None:
        """What is wrong with an array; None if it is an array of tokens."""
        if x.dtype != "int32" or x.ndim != 2:
            return f"x is {x.dtype} {x.shape}; expected int32 [rows, time]"
        if x.size and (x.min() < 0 or x.max() >= self.vocabulary):
            return f"tokens are {x.min()} to {x.max()}; expected 0 to {self.vocabulary - 1}"
        return None


Input = Image | Vector | Sequence | Tokens
KINDS: dict[str, type[Input]] = {kind.kind: kind for kind in (Image, Vector, Sequence, Tokens)}


def _float_problem(x: "np.ndarray", axes: int, shape: str) -> str | None:
    if x.dtype != "float32" or x.ndim != axes:
        return f"x is {x.dtype} {x.shape}; expected float32 {shape}"
    import numpy as np

    if (wrong := int((~np.isfinite(x)).sum())) > 0:
        return f"{wrong} values of x are not finite"
    return None
