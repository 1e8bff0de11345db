"""The compiled programs of one run whose images are on the device, and what they pass on."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Strategy
from tlx.data import TaskData
from tlx.engine import phases as programs
from tlx.engine.devices import mesh
from tlx.engine.evaluate import Observed, observe
from tlx.engine.feed import make_feed
from tlx.engine.groups import Flat
from tlx.engine.model import Frame
from tlx.engine.phases import Plan, Round
from tlx.engine.program import prepare, run, shapes
from tlx.engine.recipe import Recipe


class Point(NamedTuple):
    """A strategy and a recipe: one point of a grid."""

    strategy: Strategy
    recipe: Recipe


class Call(NamedTuple):
    """A program and its arguments: `settings`, the strategy or it and the recipe's, differ from point to point."""

    function: Callable
    static: tuple
    settings: tuple
    shared: tuple
    mapped: tuple
    donate: bool = False


class Run:
    """Points of one shape, each from several seeds: enter their phases one after the other, then take their rounds.

    All that is given back has a leading axis of runs: the seeds of the first point, then those of the next.
    """

    resident = True

    def __init__(
        self,
        points: Sequence[Point],
        frame: Frame,
        data: TaskData,
        sees: frozenset[str],
        keys: jax.Array,
        weights: Flat,
        sample: Mapping[str, np.ndarray],
    ):
        self.points = points
        settings = [jax.tree.map(jnp.float32, (point.strategy, point.recipe.hyper())) for point in points]
        if len(points) == 1:
            self.strategy, self.hyper = settings[0]
        else:
            stacked = jax.tree.map(lambda *values: jnp.repeat(jnp.stack(values), len(keys)), *settings)
            self.strategy, self.hyper = stacked
            keys, weights = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * len(points)), (keys, weights))
        self.frame, self.recipe, self.data, self.keys = frame, points[0].recipe.skeleton(), data, keys
        self.weights, self.sample = weights, jax.tree.map(jnp.asarray, dict(sample))
        self.feed = make_feed(data, sees, self.resident)
        self.compile_seconds = 0.0
        self.mesh = mesh(len(keys), self.recipe.batch)
        self.carry: Any = None

    def _call(self, function, static, settings, shared, mapped, donate=False):
        arguments = (function, static, (*settings, *shared), mapped, donate)
        out, seconds = run(*arguments, self.mesh, self._varied(settings))
        self.compile_seconds += seconds
        return out

    def _varied(self, settings: tuple) -> int:
        return len(settings) if len(self.points) > 1 else 0

    def enter(self, phase: int, steps: int | None, total: int) -> None:
        """Begins a phase, whose first round has `steps` of its `total` steps; None where it is online."""
        self.plan = Plan(self.frame, self.recipe, phase, self.mesh)
        self.phase_keys = jax.vmap(lambda key: jax.random.fold_in(key, phase))(self.keys)
        if self.mesh is None:
            self._prepare(steps, total)
        state = self._call(*self._init()) if self.carry is None else self.carry.state
        self.carry = self._call(*self._enter(state))

    def _prepare(self, steps: int | None, total: int) -> None:
        """Compiles what the phase needs, its round first: XLA is at that while the others are traced."""

        def ahead(do: Callable, call: Call) -> Any:
            function, static, settings, shared, mapped, donate = call
            return do(function, static, (*settings, *shared), mapped, donate, self._varied(settings))

        begun = time.perf_counter()
        calls = [self._init()] if self.carry is None else []
        state = ahead(shapes, calls[0]) if self.carry is None else self.carry.state
        carry = ahead(shapes, self._enter(state))
        calls += [self._enter(state), *(self._observe(carry.state, images) for images in self.sample.values())]
        if self.resident:
            calls.insert(0, self._online(carry) if steps is None else self._round(carry, steps, 0, total))
        wait([ahead(prepare, call) for call in calls])
        self.compile_seconds += time.perf_counter() - begun

    def _init(self) -> Call:
        return Call(programs.init, (Plan(self.frame, self.recipe, 0),), (self.strategy,), (), (self.keys, self.weights))

    def _enter(self, state: Any) -> Call:
        return Call(programs.enter, (self.plan,), (self.strategy, self.hyper), (), (state, self.phase_keys))

    def _round(self, carry: Any, steps: int, done: int, total: int) -> Call:
        shared = (self.feed, jnp.int32(done), jnp.int32(total))
        settings, mapped = (self.strategy, self.hyper), (carry, self.phase_keys)
        return Call(programs.train_round, (self.plan, steps), settings, shared, mapped, donate=True)

    def _online(self, carry: Any) -> Call:
        settings, mapped = (self.strategy, self.hyper), (carry, self.phase_keys)
        static = (self.plan, len(self.data.test_x))
        return Call(programs.online_pass, static, settings, (self.feed,), mapped, donate=True)

    def _observe(self, state: Any, images: jax.Array) -> Call:
        return Call(observe, (self.frame,), (self.strategy,), (self.feed, images), (state,))

    def round(self, steps: int, done: int, total: int) -> Round:
        """The next round of the phase: `steps` of its `total` steps, `done` being behind."""
        self.carry, result = self._call(*self._round(self.carry, steps, done, total))
        return result

    def online(self) -> Round:
        """The one pass of an online phase."""
        self.carry, result = self._call(*self._online(self.carry))
        return result

    def observed(self) -> dict[str, Observed]:
        """Features and logits of the sample, group by group, each one batch; the run is left as it is."""
        found = {name: self._call(*self._observe(self.carry.state, images)) for name, images in self.sample.items()}
        return jax.device_get(found)
