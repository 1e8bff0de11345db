"""A choice of rows that is the same everywhere: by a hash of each row's origin, not by a random stream."""

import hashlib

import numpy as np
from jaxtyping import Bool

from tlx.data.task import Labels, Origins
from tlx.errors import DataError

Mark = Bool[np.ndarray, "rows"]


def chosen(y: Labels, origin: Origins, per_class: int, salt: str) -> Mark:
    """Marks `per_class` rows of every class in y: those with the smallest sha256 of "salt:origin".

    The choice depends on neither the order of the rows nor a library's random numbers. Of rows with one origin, the
    earlier come first.

    Raises:
        DataError: a class has fewer rows.
    """
    digests = np.array([hashlib.sha256(f"{salt}:{name}".encode()).hexdigest() for name in origin])
    order = np.argsort(digests, kind="stable")
    mark = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = order[y[order] == label]
        if len(rows) < per_class:
            raise DataError(f"Class {label} has {len(rows)} rows; expected {per_class} or more to choose from.")
        mark[rows[:per_class]] = True
    return mark
