"""A choice of rows that is the same everywhere: by a hash of each row's origin, not by a random stream."""

import hashlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, UInt64

from tlx.data.task import Labels, Origins
from tlx.errors import DataError

Mark = Bool[np.ndarray, "rows"]


def keys(origin: Origins, salt: str) -> UInt64[np.ndarray, "rows"]:
    """A number for each row, even over 0..2^64-1: the first eight bytes of the sha256 of "salt:origin".

    Neither the order of the rows nor a library's random numbers matter. 0.6 s for a million rows.
    """
    sha256 = hashlib.sha256
    digests = b"".join([sha256(f"{salt}:{name}".encode()).digest() for name in origin.tolist()])
    return np.frombuffer(digests, ">u8")[::4].astype(np.uint64)


def choose_rows(y: Labels, origin: Origins, per_class: int, salt: str) -> Mark:
    """Marks `per_class` rows of every class in y: those with the smallest key.

    Of rows with one origin, the earlier come first.

    Raises:
        DataError: a class has fewer rows.
    """
    return choose_of_each(y, origin, dict.fromkeys(np.unique(y).tolist(), per_class), salt)


def first_rows(y: Labels, origin: Origins, per_class: int, salt: str) -> Mark:
    """As `choose_rows`, but marks those that come first."""
    mark = np.zeros(len(y), bool)
    for label in np.unique(y):
        mark[np.flatnonzero(y == label)[:per_class]] = True
    return mark


def choose_of_each(y: Labels, origin: Origins, counts: Mapping[int, int], salt: str) -> Mark:
    """Marks counts[c] rows of each class c: those with the smallest key.

    Raises:
        DataError: a class has fewer rows.
    """
    order = np.argsort(keys(origin, salt), kind="stable")
    mark = np.zeros(len(y), bool)
    for label, count in counts.items():
        rows = order[y[order] == label]
        if len(rows) < count:
            raise DataError(f"Class {label} has {len(rows)} rows; expected {count} or more to choose from.")
        mark[rows[:count]] = True
    return mark


def share(origin: Origins, part: float, salt: str) -> Mark:
    """Marks the rows whose origin falls below `part` of the range of keys: about that share of the rows.

    Rows of one origin are marked together, and an origin is marked or not in every dataset alike.
    """
    if part >= 1:
        return np.ones(len(origin), bool)
    return keys(origin, salt) < np.uint64(int(part * 2**64))


def fifth(y: Labels, origin: Origins, salt: str, where: str) -> Mark:
    """Marks a fifth of the rows of every class in y, as `choose_rows` picks them: one or more, none of a single row.

    Raises:
        DataError: no class has two rows; it names `where`.
    """
    mark = np.zeros(len(y), bool)
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        if len(own) > 1:
            mark[own] = choose_rows(y[own], origin[own], max(1, len(own) // 5), salt)
    if not mark.any():
        raise DataError(f"{where}: no class has more than one row; expected one for train and one for test.")
    return mark
