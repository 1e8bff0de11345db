"""A dataset from arrays in memory."""

from collections.abc import Iterable
from collections.abc import Sequence as Names
from typing import Any

import numpy as np

from tlx.data.choose import fifth
from tlx.data.inputs import Image, Input, Sequence, Tokens, Vector
from tlx.data.task import NO_LABEL, Arrays, Dataset
from tlx.data.tree import Inputs, leaves, map_leaves, row_count, take
from tlx.errors import DataError

FEW_CLASSES = 1000  # a label may be as high without `classes`, however few rows there are
Pair = tuple[Any, Any]
"""x, one array or a dict of arrays, and its labels: [N] of classes, [N, K] of real targets, or None."""


def from_arrays(
    name: str, train: Pair, test: Pair | None = None, classes: Names[str] | None = None, input: Input | None = None
) -> Dataset:
    """A dataset from arrays and labels, for `tlx.run(..., datasets=[...])`.

    x is uint8 images of one size, grey ([N, H, W] or one channel) or RGB; or floats, vectors [N, D] or sequences
    [N, T, C], whose columns or channels are standardised by the source's. `input` names another kind: `Tokens(12)`,
    `Vector(standardise=False)`. Labels are whole numbers from 0, or floats [N, K] of real targets,
    or None of a target whose labels nobody knows: nothing is scored on it.

    Without `test` a fifth of each class (of real targets or no labels: of all rows) is test, chosen by a hash of the
    row number: the same in every run; the one row of a class is in train. `classes` are the names of the labels, by
    default the numbers: "0", "1", ... A row's origin is its number, so tlx cannot see a row that is in two such
    datasets; make `tlx.data.Arrays` with origins of your own where that may be.

    Raises:
        DataError: another type or shape, a value that is not finite, a label that is no whole number or without a
            name, labels in one split alone, no row for test.

    Example:
        lab = from_arrays("lab", (x, y), classes=("cat", "dog"))
        tlx.run("lab->street", "coral", datasets=[lab, street])
    """
    pairs = [(pair, f"{name}/{split}") for pair, split in ((train, "train"), (test, "test")) if pair is not None]
    if odd := [where for pair, where in pairs if not isinstance(pair, tuple | list) or len(pair) != 2]:
        raise DataError(f"{odd[0]}: expected a pair, (x, labels).")
    bare = [pair[1] is None for pair, _ in pairs]
    if any(bare) and not all(bare):
        raise DataError(f"{pairs[bare.index(True)][1]}: it has no labels, the other split has; expected both or none.")
    named = None if classes is None else _class_names(classes, name)
    kind = input or _kind(_array_tree(train[0]), f"{name}/train")
    most = max(FEW_CLASSES, sum(np.size(y) for _, y in filter(None, (train, test)))) if named is None else len(named)
    given = [_arrays(pair, kind, where, most) for pair, where in pairs]
    real = given[0].y.ndim == 2
    target_kind = "none" if bare[0] else "real" if real else "classes"
    names = (named or ()) if target_kind != "classes" else named or _numbers(given)
    if real and named is not None:
        raise DataError(f"{name}: classes {named} of real targets; expected none, or whole numbers as labels.")
    first, second = given if len(given) == 2 else _fifth(given[0], name)
    return Dataset(name, first, second, names, kind, target_kind)


def _array_tree(x: Any) -> Inputs:
    return map_leaves(np.asarray, x if isinstance(x, dict) else np.asarray(x))


def _class_names(classes: Names[str], name: str) -> tuple[str, ...]:
    found = () if isinstance(classes, str) or not isinstance(classes, Iterable) else tuple(classes)
    if not found or not all(isinstance(item, str) for item in found):
        raise DataError(f"{name}: classes is {classes!r:.60}; expected a list of names, as ('cat', 'dog').")
    return found


def _numbers(given: Names[Arrays]) -> tuple[str, ...]:
    highest = max(int(part.y.max(initial=0)) for part in given)
    return tuple(str(label) for label in range(highest + 1))


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


def _arrays(pair: Pair, kind: Input, where: str, most: int) -> Arrays:
    x = map_leaves(lambda leaf: _leaf(leaf, kind, where), _array_tree(pair[0]))
    rows = row_count(x)
    y = np.full(rows, NO_LABEL, np.int32) if pair[1] is None else _labels(pair[1], where, most)
    return Arrays(x, y, np.array([f"{where}/{row:06d}" for row in range(rows)]))


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
        if x.size and max(-int(x.min()), int(x.max())) >= 2**31:
            raise DataError(f"{where}: tokens are {x.min()} to {x.max()}; expected 0 to {kind.vocabulary - 1}.")
        return x.astype(np.int32, copy=False)
    if x.dtype.kind not in "fiu":
        raise DataError(f"{where}: x is {x.dtype}; expected numbers.")
    return x.astype(np.float32, copy=False)


def _labels(y: Any, where: str, most: int) -> np.ndarray:
    """Labels in their type, where none is lost; whole numbers as floats, which tables often have, are taken.

    `most` is how many classes there can be.
    """
    y = np.asarray(y)
    if y.dtype.kind == "f" and y.ndim == 2:
        return y.astype(np.float32)
    if y.dtype.kind not in "fiu":
        raise DataError(f"{where}: labels are {y.dtype} {y.shape}; expected whole numbers.")
    if (odd := np.argwhere(~(np.isfinite(y) & (y == np.floor(y))))).size:
        hint = "expected whole numbers of classes, or real numbers [N, K] (y[:, None])"
        raise DataError(f"{where}: labels are {y.dtype} {y.shape}; {hint}, and {_label(y, odd)}.")
    if (odd := np.argwhere((y < 0) | (y >= most))).size:
        expected = f"whole numbers from 0 to classes - 1, here at most {most - 1}, unless `classes` has more names"
        raise DataError(f"{where}: {_label(y, odd)}; expected {expected}.")
    return y.astype(np.int32)


def _label(y: np.ndarray, places: np.ndarray) -> str:
    """The first of some labels, and its row."""
    first = tuple(places[0])
    return f"label {y[first]} is in row {first[0] if first else 0}"


def _fifth(rows: Arrays, name: str) -> tuple[Arrays, Arrays]:
    count = row_count(rows.x)
    if rows.y.shape[:1] != (count,) or (rows.y.ndim > 1 and rows.y.dtype == np.int32):
        what = "images" if leaves(rows.x)[0].dtype == np.uint8 else "rows"
        raise DataError(f"{name}: {count} {what} and labels {rows.y.shape}; expected one label a row.")
    y = rows.y if rows.y.ndim == 1 else np.zeros(count, np.int32)
    mark = fifth(y, rows.origin, "test", name)
    return tuple(Arrays(take(rows.x, m), rows.y[m], rows.origin[m]) for m in (~mark, mark))  # pyright: ignore
