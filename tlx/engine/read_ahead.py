"""Rows that stay on the host, or on disk, read ahead of the training step by worker threads (grain)."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import jax
import numpy as np

from tlx.errors import SettingError

AHEAD = 2  # batches that are read while one is used


class Readable(Protocol):
    """What x must offer to be streamed: an array, a memory map, or a class that decodes files when asked.

    `x[rows]` gives [len(rows), ...] for an array of row numbers, from several threads at a time.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class _Source:
    """Grain's random access: element i is, for every field, x at `rows[field][i]`."""

    x: Mapping[str, Any]
    rows: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values())))

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {field: _read(self.x[field], rows[index]) for field, rows in self.rows.items()}


def read_ahead(x: Mapping[str, Any], rows: Mapping[str, np.ndarray], threads: int) -> Iterator[Any]:
    """For each i in order {field: x at rows[field][i]}, [*rows[field].shape[1:], ...]; x are trees of `Readable`.

    Raises:
        SettingError: grain is not installed.
    """
    try:
        import grain
    except ImportError as error:
        raise SettingError(
            "x does not fit the device's memory, and streaming it needs grain: pip install 'tlx[stream]'"
        ) from error
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(AHEAD, threads))
    yield from grain.MapDataset.source(_Source(x, rows)).to_iter_dataset(options)


def _read(x: Any, rows: np.ndarray) -> Any:
    flat = rows.reshape(-1)
    return jax.tree.map(lambda leaf: np.asarray(leaf[flat]).reshape(*rows.shape, *leaf.shape[1:]), x)
