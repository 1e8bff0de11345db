"""Where the rows of a run come from: arrays on the device, or on the host, read ahead of the programs that take them.

Both give the same rows to the same programs. Resident arrays come as one chunk of places in a table, streamed ones as
chunks that hold x and fit `CHUNK` bytes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from tlx.data import TaskData
from tlx.engine.compiled import fetch, map_runs, split_runs
from tlx.engine.devices import cores, memory
from tlx.engine.processes import Part
from tlx.engine.programs import Chunk
from tlx.engine.read_ahead import AHEAD, read_ahead

SHARE = 0.5  # of the device's memory: more bytes of x are streamed
CHUNK = 64 * 2**20  # bytes of x that one call of a program takes, or one slice's


class Source(Protocol):
    """Cuts rows into chunks; each comes with the number of its first slice. `mesh` is of several devices."""

    resident: bool
    mesh: Mesh | None

    def slices(self, name: str, rows: np.ndarray, pad: int = 0) -> Iterator[tuple[int, Chunk, int]]:
        """(first, chunk, slices in it) of `rows` [slices, rows of a slice], which all runs share.

        A chunk may be padded to `pad` slices, so that programs have one shape.
        """
        ...

    def steps(self, rows: Any) -> Iterator[tuple[int, Any]]:
        """(first, chunk) of what every run owns: rows {field: [steps, batch]}."""
        ...


class Resident:
    """x lies on the device."""

    resident = True
    mesh: Mesh | None = None

    def slices(self, name: str, rows: np.ndarray, pad: int = 0) -> Iterator[tuple[int, Chunk, int]]:
        count = len(rows)
        if pad > count:
            rows = np.concatenate([rows, np.zeros((pad - count, rows.shape[1]), rows.dtype)])
        yield 0, Chunk(jnp.asarray(rows)), count

    def steps(self, rows: Any) -> Iterator[tuple[int, Any]]:
        yield 0, map_runs(Chunk, rows)


class Streamed:
    """x stays on the host, and worker threads read it ahead: of several processes each reads what its devices need."""

    resident = False
    mesh: Mesh | None = None

    def __init__(self, data: TaskData):
        names = ("source", "target", "labelled", "source_val", "test")
        self.x = {name: getattr(data, name).x for name in names}

    def slices(self, name: str, rows: np.ndarray, pad: int = 0) -> Iterator[tuple[int, Chunk, int]]:
        for number, x in enumerate(self._read({name: rows[:, None]}, (None, "batch"))):
            yield number, Chunk(jnp.asarray(rows[number : number + 1]), x[name]), 1

    def steps(self, rows: Any) -> Iterator[tuple[int, Any]]:
        whole: dict[str, np.ndarray] = fetch(rows)  # [runs, steps, batch]
        runs, steps = next(iter(whole.values())).shape[:2]
        one = sum(index.shape[2] * _row_bytes(self.x[field]) for field, index in whole.items()) * runs
        count = max(size for size in range(1, steps + 1) if steps % size == 0 and size <= max(1, CHUNK // max(one, 1)))
        # [runs, steps, batch] to [calls, runs, steps of a call, batch]
        cut = {field: index.reshape(runs, -1, count, index.shape[2]).swapaxes(0, 1) for field, index in whole.items()}
        for call, x in enumerate(self._read(cut, ("seeds", None, "batch"))):
            places = {field: jnp.asarray(index[call]) for field, index in cut.items()}
            yield call * count, split_runs(Chunk(places, x))

    def _read(self, rows: Mapping[str, np.ndarray], axes: tuple[str | None, ...]) -> Iterator[dict[str, Any]]:
        """{field: x of rows[field][i]} for each i; `axes` of the mesh divide the axes of such rows."""
        mesh = self.mesh
        parts = {} if mesh is None else {field: Part(mesh, axes, index.shape[1:]) for field, index in rows.items()}
        own = {field: index[:, *parts[field].slices] if parts else index for field, index in rows.items()}
        for batch in read_ahead({field: self.x[field] for field in rows}, own, cores()):
            put = {field: parts[field].whole if parts else jnp.asarray for field in batch}
            yield {field: jax.tree.map(put[field], x) for field, x in batch.items()}


def _row_bytes(x: Any) -> int:
    return sum(int(np.prod(leaf.shape[1:])) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(x))


def too_large(data: TaskData, share: float = SHARE) -> bool:
    """Whether the task's x takes more than a share of the device's memory."""
    fields = (data.source, data.source_val, data.target, data.labelled, data.test)
    return sum(len(rows.domain) * _row_bytes(rows.x) for rows in fields) > share * memory()


def wait(results: list[Any]) -> None:
    """Until all but the last few are there: calls that wait in a device's queue hold their x in its memory."""
    ready = results[-1 - AHEAD :][:1] if len(results) > AHEAD else ()
    jax.block_until_ready([list(each) if isinstance(each, list) else each for each in ready])
