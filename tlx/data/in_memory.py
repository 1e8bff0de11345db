"""A dataset from arrays in memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tlx.data.choose import fifth
from tlx.data.task import Arrays, Dataset
from tlx.errors import DataError

Pair = tuple[ArrayLike, ArrayLike]
"""Images [N, H, W] or [N, H, W, C], and their labels [N]."""


def from_arrays(name: str, train: Pair, test: Pair | None = None, classes: Sequence[str] | None = None) -> Dataset:
    """A dataset from images and labels, for `tlx.run(..., datasets=[...])`.

    Images are uint8 of one size, grey ([N, H, W] or one channel) or RGB; labels are whole numbers from 0. Without
    `test` a fifth of each class is test, chosen by a hash of the row number: the same in every run. `classes` are the
    names of the labels, by default the numbers: "0", "1", ... A row's origin is its number, so tlx cannot see an image
    that is in two such datasets; make `tlx.data.Arrays` with origins of your own where that may be.

    Raises:
        DataError: another type or shape, a label without a name, a class with one row alone.

    Example:
        lab = from_arrays("lab", (x, y), classes=("cat", "dog"))
        tlx.run("lab->street", "coral", datasets=[lab, street])
    """
    given = [_arrays(pair, f"{name}/{split}") for pair, split in ((train, "train"), (test, "test")) if pair is not None]
    highest = max(int(part.y.max(initial=0)) for part in given)
    names = tuple(str(label) for label in range(highest + 1)) if classes is None else tuple(classes)
    first, second = given if len(given) == 2 else _fifth(given[0], name)
    return Dataset(name, first, second, names)


def _arrays(pair: Pair, where: str) -> Arrays:
    x, y = np.asarray(pair[0]), np.asarray(pair[1])
    if x.dtype != np.uint8:
        raise DataError(f"{where}: images are {x.dtype}; expected uint8 in 0 to 255 (of 0..1: (x * 255).round()).")
    if y.dtype.kind not in "iu":
        raise DataError(f"{where}: labels are {y.dtype}; expected whole numbers.")
    x = x[..., None] if x.ndim == 3 else x
    return Arrays(x, y.astype(np.int32), np.array([f"{where}/{row:06d}" for row in range(len(x))]))


def _fifth(rows: Arrays, name: str) -> tuple[Arrays, Arrays]:
    if rows.y.shape != rows.x.shape[:1]:
        raise DataError(f"{name}: {len(rows.x)} images and labels {rows.y.shape}; expected one label an image.")

    def alone(label: int, row: int) -> str:
        return f"{name}: label {label} has one row; expected one for train and one for test."

    mark = fifth(rows.y, rows.origin, "test", alone)
    return Arrays(*(part[~mark] for part in rows)), Arrays(*(part[mark] for part in rows))
