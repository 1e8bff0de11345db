"""The mean over seeds and how far it may be from the truth."""

import math
from collections.abc import Sequence


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float | None, float | None]:
    """The mean and its Student t-interval, mean +- t * s / sqrt(n) with n - 1 degrees of freedom, clipped to [0, 1].

    One value has no interval: (value, None, None).

    Raises:
        ValueError: no value.
    """
    count = len(values)
    if not count:
        raise ValueError("interval() got no values; expected one or more.")
    mean = math.fsum(values) / count
    if count == 1:
        return mean, None, None
    from scipy.special import stdtrit  # imported here: reports without intervals, and listings, need not wait for it

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, (1 + level) / 2)) * deviation / math.sqrt(count)
    return mean, max(0.0, mean - half), min(1.0, mean + half)
