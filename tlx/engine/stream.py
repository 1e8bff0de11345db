"""A run whose images do not fit the device: the host reads each step's rows ahead, and the same step takes them.

The rows are those that the resident run draws, from the same keys, and the steps, slices and sweeps are the same. So
are the results, but for rounding: XLA may fuse the operations of another program in another way.
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Key, Scalar, Strategy, Tree, keep
from tlx.data import TaskData
from tlx.engine import phases as programs
from tlx.engine.devices import cores, memory
from tlx.engine.evaluate import predict
from tlx.engine.feed import FIELDS, MULTIPLE, Feed, normalise
from tlx.engine.model import make_model
from tlx.engine.phases import Carry, Plan, Round
from tlx.engine.read_ahead import AHEAD, Readable, read_ahead
from tlx.engine.runs import Run

SHARE = 0.5  # of the device's memory: more bytes of images are streamed
CHUNK = 64 * 2**20  # bytes of images that one call of the compiled steps takes, or one step's


def too_large(data: TaskData) -> bool:
    """Whether the task's images take more than `SHARE` of the device's memory."""
    images = (data.source.x, data.source_val.x, data.target_x, data.labelled.x, data.test_x)
    return sum(int(np.prod(x.shape)) for x in images) > SHARE * memory()


class StreamedRun(Run):
    """A `Run` that holds labels on the device, and images on the host."""

    resident = False

    def enter(self, phase: int, steps: int | None, total: int) -> None:
        super().enter(phase, steps, total)
        self.phase = self.points[0].strategy.phases(make_model(self.frame))[phase]
        self.images = {"source": self.data.source.x, "target": self.data.target_x, "labelled": self.data.labelled.x}

    def round(self, steps: int, done: int, total: int) -> Round:
        if self.phase.refresh is not keep:
            self._refresh(jnp.float32(done / max(total, 1)))
        settings = (self.strategy, self.hyper)
        metrics = []
        for first, at, images in self._chunks(steps, done):
            shared = (self.feed, jnp.int32(first), jnp.int32(total))
            mapped = (self.carry, self.phase_keys, at, images)
            self.carry, found = self._call(programs.train_steps, (self.plan,), settings, shared, mapped, donate=True)
            metrics.append(found)
            _wait(metrics)
        return self._result(metrics, self._logits(self.data.source_val.x), self._logits(self.data.test_x))

    def online(self) -> Round:
        rows, number, metrics, logits = len(self.data.test_x), 0, [], []
        size = min(self.recipe.batch, rows)
        whole = np.arange(rows // size * size).reshape(-1, size)
        rest = np.arange(rows // size * size, rows)[None]
        for part in (whole, rest) if rest.size else (whole,):
            for images in self._read({"test": self.data.test_x}, {"test": part}):
                settings, shared = (self.strategy, self.hyper), (self.feed, jnp.int32(number), images["test"])
                static, mapped = (self.plan, rows), (self.carry, self.phase_keys)
                self.carry, (found, out) = self._call(programs.online_step, static, settings, shared, mapped, True)
                logits.append(out)
                _wait(logits)
                if number < len(whole):  # as in the resident pass, the rest does not count
                    metrics.append(jax.tree.map(lambda value: value[:, None], found))
                number += 1
        return self._result(metrics, self._logits(self.data.source_val.x), jnp.concatenate(logits, 1))

    def _read(self, images: dict[str, Readable], rows: dict[str, np.ndarray]) -> Iterator[dict[str, jax.Array]]:
        for batch in read_ahead(images, rows, cores()):
            yield jax.tree.map(jnp.asarray, batch)

    def _chunks(self, steps: int, done: int) -> Iterator[tuple[int, dict[str, jax.Array], dict[str, jax.Array]]]:
        """(first step, rows, images) of every call: as many steps as fit `CHUNK`, and divide the round."""
        if not steps:
            return
        sees = [field for field in FIELDS if field in self.phase.sees]
        static = (self.plan, self.phase.sees, steps)
        drawn = self._call(programs.rows_of, static, (), (self.feed, jnp.int32(done)), (self.phase_keys,))
        one = len(self.keys) * len(sees) * self.recipe.batch * int(np.prod(self.frame.shape))
        count = max(size for size in range(1, steps + 1) if steps % size == 0 and size <= max(1, CHUNK // one))
        # [seeds, steps, batch] to [calls, seeds, steps of a call, batch]
        rows = {
            field: np.asarray(index).reshape(len(self.keys), -1, count, self.recipe.batch).swapaxes(0, 1)
            for field, index in drawn.items()
        }
        for call, images in enumerate(self._read({field: self.images[field] for field in sees}, rows)):
            yield done + call * count, {field: jnp.asarray(index[call]) for field, index in rows.items()}, images

    def _slices(self, images: Readable, rows: int, size: int) -> Iterator[tuple[int, jax.Array]]:
        """(first row, images) of slices of `size`, the last of them moved back to end with the last row."""
        starts = np.minimum(np.arange(-(-rows // size)) * size, max(rows - size, 0))
        index = np.minimum(starts[:, None] + np.arange(size), rows - 1)
        spare = jnp.arange(size)[:, None, None, None] >= rows
        for start, batch in zip(starts, self._read({"x": images}, {"x": index}), strict=True):
            yield int(start), jnp.where(spare, 0, batch["x"])  # a table ends with black rows

    def _logits(self, images: Readable) -> jax.Array:
        """[seeds, rows, classes]."""
        rows = images.shape[0]
        if not rows:
            return jnp.zeros((len(self.keys), 0, self.frame.classes), jnp.float32)
        size = min(self.recipe.eval_batch, rows + -rows % MULTIPLE)
        out = np.zeros((len(self.keys), max(rows, size), self.frame.classes), np.float32)
        for start, x in self._slices(images, rows, size):
            found = self._call(predict_slice, (self.plan,), (self.strategy,), (self.feed, x), (self.carry,))
            out[:, start : start + size] = found
        return jnp.asarray(out[:, :rows])

    def _refresh(self, progress: Scalar) -> None:
        """The phase's `refresh`, traced anew for each of its sweeps, up to the first whose outputs are not there."""
        done, over = (), "target" if "target" in self.phase.sees else "labelled"
        while True:
            rows = self.frame.swept[over]
            size = min(self.recipe.eval_batch, rows)
            outputs: list[Tree] = []
            for start, x in self._slices(self.images[over], rows, size):
                shared, mapped = (self.feed, progress, x, jnp.int32(start)), (self.carry, self.phase_keys, done)
                found = self._call(refresh_slice, (self.plan, over), (self.strategy,), shared, mapped)
                if "carry" in found:
                    self.carry = found["carry"]
                    return
                if over not in found:  # the next sweep is over the others
                    break
                skipped = len(outputs) * size - start
                outputs.append(jax.tree.map(lambda value, skipped=skipped: value[:, skipped:], found[over]))
                _wait(outputs)
            else:
                done = (*done, jax.tree.map(lambda *parts: jnp.concatenate(parts, 1), *outputs))
                continue
            over = "labelled" if over == "target" else "target"

    def _result(self, metrics: list[dict[str, jax.Array]], source: jax.Array, target: jax.Array) -> Round:
        """A round from the metrics of its calls, [seeds, steps] each."""
        every = jax.tree.map(lambda *parts: jnp.concatenate(parts, 1), *metrics) if metrics else {}
        finite = jax.vmap(programs.all_finite)(every, self.carry.state)
        return Round(jax.tree.map(lambda values: values.mean(1), every), finite, source, target)


def _wait(results: list[Tree]) -> None:
    """Until all but the last few are there: calls that wait in a device's queue hold their images in its memory."""
    jax.block_until_ready(results[-1 - AHEAD :][:1] if len(results) > AHEAD else ())


def predict_slice(plan: Plan, strategy: Strategy, feed: Feed, images: jax.Array, carry: Carry) -> jax.Array:
    """The strategy's logits of a slice of images (uint8)."""
    return predict(strategy, make_model(plan.frame), carry.state, normalise(feed, images))


class _Stop(BaseException):  # no `except Exception` of a strategy's may stop it
    def __init__(self, found: dict[str, Tree]):
        self.found = found


def refresh_slice(
    plan: Plan,
    over: str,
    strategy: Strategy,
    feed: Feed,
    progress: Scalar,
    images: jax.Array,
    start: jax.Array,
    carry: Carry,
    key: Key,
    done: tuple[Tree, ...],
) -> dict[str, Tree]:
    """{over: outputs of the phase's next sweep, after the sweeps `done`, on a slice of images from row `start`}.

    {} where that sweep is over other images; {"carry"} where there is none.
    """
    waiting = list(done)

    def swept(function: Callable, wanted: str) -> Tree:
        if waiting:
            return waiting.pop(0)
        if wanted != over:
            raise _Stop({})
        x = normalise(feed, images)
        if over == "target":
            raise _Stop({over: function(x)})
        raise _Stop({over: function(x, jax.lax.dynamic_slice_in_dim(feed.tables[over].y, start, len(images)))})

    try:
        return {"carry": programs.refreshed(plan, strategy, carry, key, progress, swept)}
    except _Stop as stop:
        return stop.found
