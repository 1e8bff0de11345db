"""A run on the host: which program comes next, over which rows, and what it gave."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait as wait_for
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from tlx.contract import Phase, Strategy, keep
from tlx.data import TaskData
from tlx.engine import programs
from tlx.engine.compiled import Apart, Call, fetch, map_runs, one_run, prepare, run, shapes, split_runs
from tlx.engine.devices import mesh
from tlx.engine.groups import Flat
from tlx.engine.model import ModelSpec
from tlx.engine.processes import gathered, spread
from tlx.engine.programs import Clock, Observed, Settings, Setup, batch_sizes, run_keys
from tlx.engine.recipe import Recipe
from tlx.engine.sources import Resident, Streamed, wait
from tlx.engine.tables import MULTIPLE, device_data, is_asking
from tlx.errors import ContractError

# What runs once, or once a round, takes longer to compile than to run: the levels of XLA's compiler for it.
LEVELS = {programs.init: 1, programs.enter: 1, programs.draw: 1, programs.summary: 0}


class Point(NamedTuple):
    """A strategy and a recipe: one point of a grid."""

    strategy: Strategy
    recipe: Recipe


class Section(NamedTuple):
    """The steps of each round of one phase; an online phase, or one without a share, has one round and no step."""

    phase: Phase
    rounds: tuple[int, ...]


class Round(NamedTuple):
    """What a round gives besides its carry, for every run: mean metrics, whether all was finite, both sets' logits."""

    metrics: dict[str, np.ndarray]
    finite: np.ndarray
    source_logits: np.ndarray
    target_logits: np.ndarray


class Run:
    """Points of one shape, each from several seeds: enter their phases one after the other, then take their rounds.

    What it gives back has a leading axis of runs: the seeds of the first point, then those of the next.
    """

    def __init__(
        self, points: Sequence[Point], spec: ModelSpec, data: TaskData, sections: Sequence[Section], streamed: bool
    ):
        self.spec, self.data, self.sections, self.recipe = spec, data, sections, points[0].recipe.static()
        self.source = Streamed(data) if streamed else Resident()
        phases = [section.phase for section in sections]
        self.device = device_data(data, phases, self.source.resident)
        self.points = points
        self.compile_seconds = 0.0
        self.carry: Any = None
        self.asked: np.ndarray | None = (
            None  # [runs, labelled rows], whose labels are shown where a phase asks for them
        )
        self.orders = {"test": data.order, "source_val": _shuffled(len(data.source_val.domain))}

    def start(self, seeds: Sequence[int], weights: Flat, probe: Mapping[str, Any]) -> None:
        """Draws the keys of every run; `weights` have a leading axis of seeds."""
        every = jax.vmap(jax.random.key)(jnp.asarray(seeds, jnp.uint32))
        count = len(self.points)
        if count > 1:
            every, weights = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * count), (every, weights))
        init, phases = jax.vmap(lambda key: run_keys(key, len(self.sections)))(every)
        self.init_own = split_runs((init, weights))
        self.keys = [split_runs(keys) for keys in phases]
        self.probe = {name: jax.tree.map(jnp.asarray, x) for name, x in probe.items()}
        settings = [_traced(point) for point in self.points]
        self.settings: Any = settings[0]
        if count > 1:
            stacked = jax.tree.map(lambda *values: jnp.repeat(jnp.stack(values), len(seeds)), *settings)
            self.settings = split_runs(stacked)
        sizes = [size for section in self.sections for size in batch_sizes(self.recipe, section.phase).values()]
        self.mesh = mesh(len(jax.tree.leaves(every)[0]), int(np.gcd.reduce(sizes)) if sizes else 1)
        if self.mesh is not None:
            self.source.mesh, self.device = self.mesh, spread(self.device, NamedSharding(self.mesh, PartitionSpec()))

    @property
    def setup(self) -> Setup:
        """What is static of the present phase's programs."""
        return Setup(self.spec, self.recipe, self.number, self.mesh)

    def _program(
        self, function: Any, *static: Any, shared: Any = None, carry: Any = None, own: Any = None, donate: bool = False
    ) -> Call:
        arguments, level = (*static, self.setup), LEVELS.get(function)
        return Call(
            function, arguments, self.settings, shared, carry, own, len(self.points) > 1, donate, self.mesh, level
        )

    def _run(self, call: Call) -> Any:
        out, seconds = run(call)
        self.compile_seconds += seconds
        return out

    def enter(self, number: int) -> None:
        """Begins a phase."""
        self.number, self.phase = number, self.sections[number].phase
        if self.mesh is None:
            self._prepare()
        if self.carry is None:
            state = self._run(self._program(programs.init, own=self.init_own))
        else:
            state = map_runs(lambda carry: carry.state, self.carry)
        self.state = state  # that the phase begins with, for a stream that resets
        self.carry = self._run(self._program(programs.enter, carry=state, own=self.keys[number]))

    def compile(self) -> None:
        """Compiles what the first phase needs, and runs none of it."""
        self.number, self.phase = 0, self.sections[0].phase
        self._prepare()

    def shape_of(self, number: int) -> Any:
        """What the carry in a phase looks like, from abstract evaluation."""
        self.number = 0
        carry = shapes(self._program(programs.init, own=self.init_own))
        for place in range(number + 1):
            self.number = place
            state = carry if place == 0 else map_runs(lambda carry: carry.state, carry)
            carry = shapes(self._program(programs.enter, carry=state, own=self.keys[place]))
        return _joined_shapes(carry)

    def resume(self, number: int, carry: Any) -> None:
        """Goes on in a phase with a carry, with a leading axis of runs, that was saved in it."""
        self.number, self.phase, self.carry = number, self.sections[number].phase, split_runs(carry)
        if is_asking(self.phase):
            self._ask()

    def _prepare(self) -> None:
        """Compiles what the phase needs, its steps first: XLA is at that while the others are traced."""
        begun = time.perf_counter()
        calls = []
        if self.carry is None:
            calls.append(self._program(programs.init, own=self.init_own))
            state = shapes(calls[0])
        else:
            state = map_runs(lambda carry: carry.state, self.carry)
        calls.append(self._program(programs.enter, carry=state, own=self.keys[self.number]))
        carry = shapes(calls[-1])
        if self.source.resident and self.phase.refresh is not keep and not self.phase.online:
            calls += self._refreshing(carry)
        rounds = self.sections[self.number].rounds
        if rounds and rounds[0] and self.source.resident:
            draw = self._draw(carry, rounds[0], Clock(jnp.int32(0), jnp.int32(0)))
            rows = map_runs(lambda out: out[0], shapes(draw))
            own = self._own(map_runs(programs.Chunk, rows))
            shared = (self.device, Clock(jnp.int32(0), jnp.int32(0)))
            calls = [self._program(programs.train, shared=shared, carry=carry, own=own, donate=True), draw, *calls]
        states = map_runs(lambda carry: carry.state, carry)
        if self.source.resident:
            names = ("source_val",) if self.phase.online else ("source_val", "test")
            calls += [call for name in names for call, _, _ in self._evaluations(name, states)]
        calls += [self._probe(states, x) for x in self.probe.values()]
        wait_for([prepare(call) for call in calls])
        self.compile_seconds += time.perf_counter() - begun

    def _refreshing(self, carry: Any) -> list[Call]:
        """What the phase's sweeps and its refresh need, whose errors come to light here; of a carry only the shapes."""
        calls: list[Call] = []
        swept: list[Any] = []
        runs = 0 if isinstance(carry, Apart) else 1  # axes before those of the slices
        for name, sweep in self.phase.sweeps.items():
            count, rows = self._sweep_rows(sweep.over)
            for _, chunk, _ in self.source.slices(sweep.over, rows):
                calls.append(self._program(programs.sweep, name, shared=(self.device, chunk), carry=carry))

            def joined(leaf: Any, count: int = count) -> jax.ShapeDtypeStruct:
                return jax.ShapeDtypeStruct((*leaf.shape[:runs], count, *leaf.shape[runs + 2 :]), leaf.dtype)

            swept.append(map_runs(lambda out, joined=joined: jax.tree.map(joined, out), shapes(calls[-1])))
        names = list(self.phase.sweeps)
        own = map_runs(lambda keys, *each: (keys, dict(zip(names, each, strict=True))), self.keys[self.number], *swept)
        clock = Clock(jnp.int32(0), jnp.int32(0))
        calls.append(self._program(programs.refresh, shared=clock, carry=carry, own=own))
        shapes(calls[-1])
        return calls

    def _sweep_rows(self, over: str) -> tuple[int, np.ndarray]:
        """How many rows a sweep goes over, and their slices."""
        count = len(getattr(self.data, over).domain)
        return count, _slices(np.arange(count), min(self.recipe.eval_batch, count))

    def _own(self, chunk: Any) -> Any:
        return map_runs(lambda keys, piece: (keys, piece), self.keys[self.number], chunk)

    def _draw(self, carry: Any, steps: int, clock: Clock) -> Call:
        shared = (self.device, clock)
        return self._program(programs.draw, steps, shared=shared, carry=carry, own=self.keys[self.number])

    def round(self, steps: int, done: int, total: int) -> Round:
        """The next round of the phase: `steps` of its `total` steps, `done` being behind."""
        clock = Clock(jnp.int32(done), jnp.int32(total))
        if self.phase.refresh is not keep:
            own = map_runs(lambda keys, swept: (keys, swept), self.keys[self.number], self._sweeps())
            self.carry = self._run(self._program(programs.refresh, shared=clock, carry=self.carry, own=own))
        metrics: list[Any] = []
        for first, chunk in self._steps(steps, clock):
            shared = (self.device, Clock(jnp.int32(done + first), clock.total))
            call = self._program(programs.train, shared=shared, carry=self.carry, own=self._own(chunk), donate=True)
            self.carry, seen = _unzip(self._run(call))
            metrics.append(seen)
            wait(metrics)
        return self._result(metrics, self.evaluate("test"))

    def _steps(self, steps: int, clock: Clock) -> Iterator[tuple[int, Any]]:
        if not steps:
            return
        rows, inside = _unzip(self._run(self._draw(self.carry, steps, clock)))
        if is_asking(self.phase):
            self._ask()
        if (callable(self.phase.draw) or is_asking(self.phase)) and not np.all(fetch(inside)):
            where = f"strategy {type(self.points[0].strategy).__name__}, phase {self.phase.name}"
            sizes = {field: int(self.device.tables[field].n) for field in sorted(self.phase.sees)}
            raise ContractError(f"{where}: `draw` gives a row out of range; the fields have {sizes} rows")
        yield from self.source.steps(rows)

    def _ask(self) -> None:
        """Keeps the marks of the rows whose labels this round is shown; none may be lost, as they are counted."""
        marks = map_runs(lambda carry: carry.state.extra[programs.ASKED], self.carry)
        before, self.asked = self.asked, np.asarray(fetch(marks))
        if before is not None and np.any(before & ~self.asked):
            where = f"strategy {type(self.points[0].strategy).__name__}, phase {self.phase.name}"
            raise ContractError(f"{where}: a row that was asked for is marked no more; expected marks that stay")

    def _sweeps(self) -> Any:
        """What every sweep of the phase gives, {name: [rows, ...]}, as runs own it."""
        swept: dict[str, Any] = {}
        for name, sweep in self.phase.sweeps.items():
            count, rows = self._sweep_rows(sweep.over)
            outputs = []
            for _, chunk, _ in self.source.slices(sweep.over, rows):
                call = self._program(programs.sweep, name, shared=(self.device, chunk), carry=self.carry)
                outputs.append(self._run(call))
                wait(outputs)
            overlap = rows.size - count

            def joined(*parts: jax.Array, overlap: int = overlap) -> jax.Array:
                every = jnp.concatenate(parts)  # [slices, size, ...]
                flat = every[:-1].reshape(-1, *every.shape[2:])
                return jnp.concatenate([flat, every[-1][overlap:]])

            if isinstance(outputs[0], Apart):
                swept[name] = Apart(jax.tree.map(joined, *parts) for parts in zip(*outputs, strict=True))
            else:
                swept[name] = jax.vmap(lambda *parts, joined=joined: jax.tree.map(joined, *parts))(*outputs)
        if not swept:
            return map_runs(lambda _: {}, self.carry) if isinstance(self.carry, Apart) else {}
        names = list(swept)
        return map_runs(lambda *each: dict(zip(names, each, strict=True)), *swept.values())

    def online(self) -> Round:
        """The one pass of an online phase, over the test rows in the order of the protocol."""
        order = np.asarray(self.data.order)
        domain = np.asarray(self.data.test.domain)[order]
        streams = [order[domain == number] for number in dict.fromkeys(domain.tolist())]
        size = batch_sizes(self.recipe, self.phase)["target"]
        total = sum(-(-len(stream) // size) for stream in streams)
        metrics, logits, met, done = [], [], [], 0
        for place, stream in enumerate(streams):
            if place and self.phase.online and self.phase.online.reset:
                self.carry = self._run(self._program(programs.enter, carry=self.state, own=self.keys[self.number]))
            whole = len(stream) // size * size
            for part in (stream[:whole].reshape(-1, size), stream[whole:][None]):
                if not part.size:
                    continue
                for first, chunk, count in self.source.slices("test", part):
                    clock = Clock(jnp.int32(done + first), jnp.int32(total))
                    shared, own = (self.device, clock, chunk), self.keys[self.number]
                    call = self._program(programs.online, shared=shared, carry=self.carry, own=own, donate=True)
                    self.carry, out = _unzip(self._run(call))
                    seen, predictions = _unzip(out)
                    metrics.append(seen)
                    logits.append(np.asarray(fetch(predictions)))
                    met.append(part[first : first + count].reshape(-1))
                done += len(part)
        flat = [out.reshape(out.shape[0], -1, out.shape[-1]) for out in logits]
        target = np.zeros((flat[0].shape[0], len(order), self.spec.outputs), np.float32)
        target[:, np.concatenate(met)] = np.concatenate(flat, 1)
        return self._result(metrics, target)

    def _result(self, metrics: list[Any], target: np.ndarray) -> Round:
        apart = isinstance(self.carry, Apart)

        def join(*parts: Any) -> Any:
            return jax.tree.map(lambda *each: jnp.concatenate(each, 0 if apart else 1), *parts)

        if metrics:
            joined = map_runs(join, *metrics)
        else:
            joined = map_runs(lambda _: {}, self.carry) if apart else {}
        means, finite = _unzip(self._run(self._program(programs.summary, carry=self.carry, own=joined)))
        means, finite = fetch(means), fetch(finite)
        return Round(means, finite, self.evaluate("source_val"), target)

    def _evaluations(self, name: str, states: Any) -> Iterator[tuple[Call, np.ndarray, int]]:
        """(call, rows of its slices, how many of them count) that evaluate a table."""
        order = np.asarray(self.orders[name])
        if not len(order):
            return
        size = self.recipe.eval_batch
        rows = np.resize(order, (1, size)) if len(order) < size else _slices(order, size)
        table = self.device.tables[name]
        pad = -(-(len(order) + -len(order) % MULTIPLE) // size)
        for first, chunk, count in self.source.slices(name, rows, pad):
            shared = (self.device._replace(tables={}), table._replace(groups={}), chunk, jnp.int32(count))
            yield self._program(programs.evaluate, shared=shared, carry=states), rows[first : first + count], count

    def evaluate(self, name: str) -> np.ndarray:
        """The logits of every row of a table, [runs, rows, outputs]."""
        states = map_runs(lambda carry: carry.state, self.carry)
        out = np.zeros((self.runs, len(self.orders[name]), self.spec.outputs), np.float32)
        calls: list[tuple[Any, np.ndarray]] = []
        for call, rows, _ in self._evaluations(name, states):
            calls.append((self._run(call), rows))
            if not self.source.resident:
                wait([each for each, _ in calls])
        for logits, rows in calls:
            values = np.asarray(fetch(logits))[:, : len(rows)]  # the others are of no slice
            out[:, rows.reshape(-1)] = values.reshape(self.runs, -1, self.spec.outputs)
        return out

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len(self.carry) if isinstance(self.carry, Apart) else jax.tree.leaves(self.carry)[0].shape[0]

    def _probe(self, states: Any, x: Any) -> Call:
        return self._program(programs.probe, shared=(self.device._replace(tables={}), x), carry=states)

    def probed(self) -> dict[str, Observed]:
        """Features and logits of the probe, group by group, each one batch; the run is left as it is."""
        states = map_runs(lambda carry: carry.state, self.carry)
        return {name: fetch(self._run(self._probe(states, x))) for name, x in self.probe.items()}

    def state_of(self, number: int) -> Any:
        """The state of one run."""
        return gathered(one_run(self.carry, number).state)


def _traced(point: Point) -> Settings:
    return jax.tree.map(jnp.float32, Settings(point.strategy, point.recipe.traced()))


def _unzip(owned: Any) -> tuple[Any, Any]:
    """The two parts of what every run gave."""
    return map_runs(lambda pair: pair[0], owned), map_runs(lambda pair: pair[1], owned)


def _slices(order: np.ndarray, size: int) -> np.ndarray:
    """Slices of `size` rows; the last is moved back to end with the last row, so that no slice is short."""
    starts = np.minimum(np.arange(-(-len(order) // size)) * size, max(len(order) - size, 0))
    return order[starts[:, None] + np.arange(size)]


def _shuffled(count: int) -> np.ndarray:
    """An order in which classes and domains are mixed, since `predict` may use its batch's statistics."""
    return np.random.default_rng(0).permutation(count)


def _joined_shapes(owned: Any) -> Any:
    if not isinstance(owned, Apart):
        return owned
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(owned), *leaf.shape), leaf.dtype), owned[0])
