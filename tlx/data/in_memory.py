"""A dataset from arrays in memory."""

from collections.abc import Sequence as Names
from typing import Any

import numpy as np

from tlx.data.choose import fifth
from tlx.data.inputs import Image, Input, Sequence, Tokens, Vector
from tlx.data.task import Arrays, Dataset
from tlx.data.tree import Inputs, leaves, map_leaves, row_count, take
from tlx.errors import DataError

Pair = tuple[Any, Any]
"""x, one array or a dict of arrays, and its labels: [N] of classes, or [N, K] of real targets."""


def from_arrays(
    name: str, train: Pair, test: Pair | None = None, classes: Names[str] | None = None, input: Input | None = None
) -> Dataset:
    """A dataset from arrays and labels, for `tlx.run(..., datasets=[...])`.

    x is uint8 images of one size, grey ([N, H, W] or one channel) or RGB; or floats, vectors [N, D] or sequences
    [N, T, C], whose columns or channels are standardised by the source's. `input` names another kind: `Tokens(12)`,
    `Vector(standardise=False)`. Labels are whole numbers from 0, or floats [N, K] of real targets.

    Without `test` a fifth of each class (of real targets: of all rows) is test, chosen by a hash of the row number: the
    same in every run. `classes` are the names of the labels, by default the numbers: "0", "1", ... A row's origin is
    its number, so tlx cannot see a row that is in two such datasets; make `tlx.data.Arrays` with origins of your own
    where that may be.

    Raises:
        DataError: another type or shape, a value that is not finite, a label without a name, a class with one row
            alone.

    Example:
        lab = from_arrays("lab", (x, y), classes=("cat", "dog"))
        tlx.run("lab->street", "coral", datasets=[lab, street])
    """
    pairs = [(pair, f"{name}/{split}") for pair, split in ((train, "train"), (test, "test")) if pair is not None]
    kind = input or _kind(_array_tree(train[0]), f"{name}/train")
    given = [_arrays(pair, kind, where) for pair, where in pairs]
    real = given[0].y.ndim == 2
    names = () if real else _names(given, classes)
    if real and classes is not None:
        raise DataError(f"{name}: classes {tuple(classes)} of real targets; expected none, or whole numbers as labels.")
    first, second = given if len(given) == 2 else _fifth(given[0], name)
    return Dataset(name, first, second, names, kind, "real" if real else "classes")


def _array_tree(x: Any) -> Inputs:
    return map_leaves(np.asarray, x if isinstance(x, dict) else np.asarray(x))


def _names(given: Names[Arrays], classes: Names[str] | None) -> tuple[str, ...]:
    highest = max(int(part.y.max(initial=0)) for part in given)
    return tuple(str(label) for label in range(highest + 1)) if classes is None else tuple(classes)


def _kind(x: Inputs, where: str) -> Input:
    """The kind of input that the first array of x looks like."""
    first = leaves(x)[0]
    if first.dtype.kind == "f" and first.ndim == 2:
        return Vector()
    if first.dtype.kind == "f" and first.ndim == 3 and not _looks_grey(first):
        return Sequence()
    if first.dtype.kind in "iu" and first.dtype != np.uint8:
        other = "floats (x.astype(float)) of vectors or sequences, or input=Tokens(vocabulary) for token numbers"
        raise DataError(f"{where}: x is {first.dtype} {first.shape}; expected uint8 images, {other}.")
    return Image()


def _looks_grey(x: np.ndarray) -> bool:
    """Whether sequences may well be grey images that were scaled to 0..1."""
    return x.shape[1] == x.shape[2] and x.size > 0 and bool(x.min() >= 0 and x.max() <= 1)


def _arrays(pair: Pair, kind: Input, where: str) -> Arrays:
    x = map_leaves(lambda leaf: _leaf(leaf, kind, where), _array_tree(pair[0]))
    return Arrays(x, _labels(pair[1], where), np.array([f"{where}/{row:06d}" for row in range(row_count(x))]))


def _leaf(x: np.ndarray, kind: Input, where: str) -> np.ndarray:
    """An array in the type and shape of its kind, where no value is lost."""
    if isinstance(kind, Image):
        if x.dtype != np.uint8:
            hint = "uint8 in 0 to 255 (of 0..1: (x * 255).round())"
            more = ", or input=Sequence() for floats [N, T, C]" if x.ndim == 3 else ""
            raise DataError(f"{where}: images are {x.dtype}; expected {hint}{more}.")
        return x[..., None] if x.ndim == 3 else x
    if isinstance(kind, Tokens):
        if x.dtype.kind not in "iu":
            raise DataError(f"{where}: tokens are {x.dtype}; expected whole numbers.")
        return x.astype(np.int32, copy=False)
    if x.dtype.kind not in "fiu":
        raise DataError(f"{where}: x is {x.dtype}; expected numbers.")
    return x.astype(np.float32, copy=False)


def _labels(y: Any, where: str) -> np.ndarray:
    y = np.asarray(y)
    if y.dtype.kind == "f" and y.ndim == 2:
        return y.astype(np.float32)
    if y.dtype.kind not in "iu":
        hint = " of classes, or real numbers [N, K] (y[:, None])" if y.dtype.kind == "f" else ""
        raise DataError(f"{where}: labels are {y.dtype} {y.shape}; expected whole numbers{hint}.")
    return y.astype(np.int32)


def _fifth(rows: Arrays, name: str) -> tuple[Arrays, Arrays]:
    count = row_count(rows.x)
    if rows.y.shape[:1] != (count,) or (rows.y.ndim > 1 and rows.y.dtype == np.int32):
        what = "images" if leaves(rows.x)[0].dtype == np.uint8 else "rows"
        raise DataError(f"{name}: {count} {what} and labels {rows.y.shape}; expected one label a row.")

    def alone(label: int, row: int) -> str:
        which = f"label {label} has one row" if rows.y.ndim == 1 else "it has one row"
        return f"{name}: {which}; expected one for train and one for test."

    y = rows.y if rows.y.ndim == 1 else np.zeros(count, np.int32)
    mark = fifth(y, rows.origin, "test", alone)
    return tuple(Arrays(take(rows.x, m), rows.y[m], rows.origin[m]) for m in (~mark, mark))  # pyright: ignore
