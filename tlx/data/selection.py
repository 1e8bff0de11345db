"""Some rows of some arrays of images, chosen before any image is copied."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from tlx.data.choose import Mark
from tlx.data.resize import Fitted, filled, fit, fit_chunk
from tlx.data.task import Arrays, Images, Labels, Origins


class Part(NamedTuple):
    """Rows of `images`, which may be memory-mapped files: `rows` counts through the arrays one after the other."""

    images: tuple[Images, ...]
    rows: Int[np.ndarray, "rows"]
    y: Labels
    origin: Origins

    def where(self, mark: Mark) -> "Part":
        """The rows that are marked."""
        return self if mark.all() else Part(self.images, *(array[mark] for array in self[1:]))


def part(arrays: Arrays) -> Part:
    """All rows of a split."""
    return Part((arrays.x,), np.arange(len(arrays.x)), np.asarray(arrays.y), np.asarray(arrays.origin))


def joined(parts: Sequence[Part]) -> Part:
    """The rows of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(sum(map(len, item.images)) for item in parts)])
    rows = np.concatenate([item.rows + start for item, start in zip(parts, before[:-1], strict=True)])
    images = tuple(x for item in parts for x in item.images)
    return Part(images, rows, *(np.concatenate(arrays) for arrays in zip(*(item[2:] for item in parts), strict=True)))


def images(part: Part, size: int, channels: int) -> Fitted:
    """The images of a part, at one size and number of channels; no copy is made of a whole array that fits."""
    if len(part.images) == 1 and len(part.rows) == len(part.images[0]):
        return fit(part.images[0], size, channels)
    depth = min(channels, max(x.shape[3] for x in part.images))
    starts = np.cumsum([0, *map(len, part.images)])[:-1]

    def some(chunk: slice) -> Images:
        rows = part.rows[chunk]
        array = np.searchsorted(starts, rows, side="right") - 1
        runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(array)) + 1)  # of rows that one array holds
        made = [fit_chunk(part.images[array[run[0]]][rows[run] - starts[array[run[0]]]], size, depth) for run in runs]
        return made[0] if len(made) == 1 else np.concatenate(made)

    out = filled(len(part.rows), size, depth, some, part.images[0].dtype)
    return np.broadcast_to(out, (*out.shape[:3], channels))
