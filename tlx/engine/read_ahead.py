"""Images that stay on the host, or on disk, read ahead of the training step by worker threads (grain)."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from tlx.errors import SettingError

AHEAD = 2  # batches that are read while one is used


class Readable(Protocol):
    """What images must offer to be streamed: an array, a memory map, or a class that decodes files when asked.

    `images[rows]` gives uint8 [len(rows), H, W, C] for an array of row numbers, from several threads at a time.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class _Source:
    """Grain's random access: element i is, for every field, the images at `rows[field][i]`."""

    images: Mapping[str, Readable]
    rows: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values())))

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {field: _read(self.images[field], rows[index]) for field, rows in self.rows.items()}


def read_ahead(images: Mapping[str, Readable], rows: Mapping[str, np.ndarray], threads: int) -> Iterator[Any]:
    """For each i in order {field: the images at rows[field][i]}, uint8 [*rows[field].shape[1:], H, W, C].

    Raises:
        SettingError: grain is not installed.
    """
    try:
        import grain
    except ImportError as error:
        raise SettingError(
            "the images do not fit the device's memory, and streaming them needs grain: pip install 'tlx[stream]'"
        ) from error
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(AHEAD, threads))
    yield from grain.MapDataset.source(_Source(images, rows)).to_iter_dataset(options)


def _read(images: Readable, rows: np.ndarray) -> np.ndarray:
    return np.asarray(images[rows.reshape(-1)]).reshape(*rows.shape, *images.shape[1:])
