"""The mean and deviation by which the device scales x.

Shape vocabulary: rows N, columns D, time T, channels C.
"""

import numpy as np

from tlx.data.inputs import Image, Input, Sequence, Vector
from tlx.data.protocol import Protocol
from tlx.data.tree import Inputs, map_leaves

BLOCK = 65_536  # rows that are in memory as float64 at once


def scale(kind: Input, protocol: Protocol, x: Inputs) -> tuple[Inputs, Inputs]:
    """Mean and deviation, as float32 trees of the form of `x`, the rows that they are computed over.

    Of images they are the protocol's. Of vectors and sequences that are standardised they are those of each column [D]
    or channel [C]; a column with one value has the deviation 1. Of all others they are 0 and 1.
    """
    if isinstance(kind, Image):
        return _everywhere(protocol.mean, x), _everywhere(protocol.std, x)
    if isinstance(kind, Vector | Sequence) and kind.standardise:
        moments = map_leaves(_moments, x)
        return map_leaves(lambda _, both: both[0], x, moments), map_leaves(lambda _, both: both[1], x, moments)
    return _everywhere(0.0, x), _everywhere(1.0, x)


def _everywhere(value: float | tuple[float, ...], x: Inputs) -> Inputs:
    return map_leaves(lambda _: np.asarray(value, np.float32), x)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over all axes but the last."""
    columns = x.shape[-1]
    count = x.size // columns
    blocks = [x[start : start + BLOCK] for start in range(0, len(x), BLOCK)]
    total, squares = np.zeros(columns), np.zeros(columns)
    for block in blocks:
        total += block.reshape(-1, columns).sum(axis=0, dtype=np.float64)
    mean = total / count
    for block in blocks:
        squares += ((block.reshape(-1, columns) - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / count)
    # the mean of equal numbers is rounded, so their deviation need not be 0 to the last bit
    constant = deviation <= 1e-12 * np.abs(mean)
    return mean.astype(np.float32), np.where(constant, 1, deviation).astype(np.float32)
