"""From a prior to the shares of the classes, and from shares to numbers of rows.

Shape vocabulary: classes C.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from tlx.data.prior import Prior
from tlx.errors import DataError

Shares = Float64[np.ndarray, "classes"]
Counts = Int64[np.ndarray, "classes"]


def class_shares(prior: Prior, classes: Sequence[str], salt: str) -> Shares:
    """The share of each class, [C], in the order of `classes`; `salt` seeds random ones.

    Raises:
        DataError: another number of shares than classes.
    """
    if not isinstance(prior, tuple):
        return prior.shares(classes, salt)
    if len(prior) != len(classes):
        raise DataError(f"{len(prior)} shares of {len(classes)} classes ({', '.join(classes)}); expected one a class.")
    return np.asarray(prior, np.float64)


def class_counts(shares: Shares, available: Counts, rows: int | None, classes: Sequence[str]) -> Counts:
    """How many rows of each class have these shares: `rows` in all, or as many as there are, none twice.

    Rounded down, and the classes with the largest remainders take the rest; each count is within one of its share.

    Raises:
        DataError: a class has fewer rows than its share of `rows`.
    """
    asked = shares > 1e-9  # of less there is no row
    total = rows if rows is not None else int(np.floor((available[asked] / shares[asked]).min() + 1e-9))
    exact = shares * total
    counts = np.floor(exact + 1e-9).astype(np.int64)
    # an exact share of a whole number leaves no remainder, so the class that limits the total takes no row more
    remainder = np.where(asked, exact - counts, -1.0)
    counts[np.argsort(-remainder, kind="stable")[: max(total - int(counts.sum()), 0)]] += 1
    if (short := np.flatnonzero(counts > available)).size:
        if rows is None:
            counts = np.minimum(counts, available)
        else:
            worst = int(short[0])
            few = f"class '{classes[worst]}' has {available[worst]} rows"
            raise DataError(f"{few}; expected {counts[worst]} or more (prior).")
    return counts
