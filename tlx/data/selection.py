"""Some rows of some arrays, chosen before anything is copied."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from tlx.data.choose import Mark
from tlx.data.resize import Fitted, by_chunks, fit, fit_chunk
from tlx.data.task import Arrays, Labels, Origins, Reals
from tlx.data.tree import Inputs, row_count


class Part(NamedTuple):
    """Rows of `arrays`, which may be memory-mapped files: `rows` counts through the arrays one after the other."""

    arrays: tuple[Inputs, ...]
    rows: Int[np.ndarray, "rows"]
    y: Labels | Reals
    origin: Origins

    def where(self, mark: Mark) -> "Part":
        """The rows that are marked."""
        return self if mark.all() else Part(self.arrays, *(array[mark] for array in self[1:]))


def part(arrays: Arrays) -> Part:
    """All rows of a split."""
    return Part((arrays.x,), np.arange(row_count(arrays.x)), np.asarray(arrays.y), np.asarray(arrays.origin))


def join(parts: Sequence[Part]) -> Part:
    """The rows of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(sum(map(row_count, item.arrays)) for item in parts)])
    rows = np.concatenate([item.rows + start for item, start in zip(parts, before[:-1], strict=True)])
    arrays = tuple(x for item in parts for x in item.arrays)
    return Part(arrays, rows, *(np.concatenate(columns) for columns in zip(*(item[2:] for item in parts), strict=True)))


def images(part: Part, size: int, channels: int) -> Fitted:
    """The images of a part, at one size and number of channels; no copy is made of a whole array that fits."""
    if _is_whole(part):
        return fit(part.arrays[0], size, channels)
    depth = min(channels, max(x.shape[3] for x in part.arrays))
    out = _gathered(part, (size, size, depth), lambda x: fit_chunk(x, size, depth))
    return np.broadcast_to(out, (*out.shape[:3], channels))


def values(part: Part) -> np.ndarray:
    """The rows of a part as they are; no copy is made of a whole array."""
    return part.arrays[0] if _is_whole(part) else _gathered(part, part.arrays[0].shape[1:], lambda x: x)


def _is_whole(part: Part) -> bool:
    return len(part.arrays) == 1 and len(part.rows) == len(part.arrays[0])


def _gathered(part: Part, shape: tuple[int, ...], change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    starts = np.cumsum([0, *map(len, part.arrays)])[:-1]

    def some(chunk: slice) -> np.ndarray:
        rows = part.rows[chunk]
        array = np.searchsorted(starts, rows, side="right") - 1
        runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(array)) + 1)  # of rows that one array holds
        made = [change(part.arrays[array[run[0]]][rows[run] - starts[array[run[0]]]]) for run in runs]
        return made[0] if len(made) == 1 else np.concatenate(made)

    return by_chunks((len(part.rows), *shape), some, part.arrays[0].dtype)
