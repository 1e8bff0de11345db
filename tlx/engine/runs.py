"""The compiled programs of one run whose images are on the device, and what they pass on."""

from collections.abc import Mapping, Sequence
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
from tlx.engine.program import run
from tlx.engine.recipe import Recipe


class Point(NamedTuple):
    """A strategy and a recipe: one point of a grid."""

    strategy: Strategy
    recipe: Recipe


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
        self.feed = make_feed(data, sees, self.resident)
        self.compile_seconds = 0.0
        self.mesh = mesh(len(keys), self.recipe.batch)
        self.state = self._call(programs.init, (Plan(frame, self.recipe, 0),), (self.strategy,), (), (keys, weights))
        self.carry: Any = None

    def _call(self, function, static, settings, shared, mapped, donate=False):
        """`settings` is the strategy, or it and the recipe's: they differ from run to run where there is a grid."""
        varied = len(settings) if len(self.points) > 1 else 0
        out, seconds = run(function, static, (*settings, *shared), mapped, donate, self.mesh, varied)
        self.compile_seconds += seconds
        return out

    def enter(self, phase: int) -> None:
        """Begins a phase."""
        self.plan = Plan(self.frame, self.recipe, phase, self.mesh)
        self.phase_keys = jax.vmap(lambda key: jax.random.fold_in(key, phase))(self.keys)
        state = self.state if self.carry is None else self.carry.state
        settings = (self.strategy, self.hyper)
        self.carry = self._call(programs.enter, (self.plan,), settings, (), (state, self.phase_keys))

    def round(self, steps: int, done: int, total: int) -> Round:
        """The next round of the phase: `steps` of its `total` steps, `done` being behind."""
        settings, shared = (self.strategy, self.hyper), (self.feed, jnp.int32(done), jnp.int32(total))
        mapped = (self.carry, self.phase_keys)
        self.carry, result = self._call(programs.train_round, (self.plan, steps), settings, shared, mapped, donate=True)
        return result

    def online(self) -> Round:
        """The one pass of an online phase."""
        settings, mapped = (self.strategy, self.hyper), (self.carry, self.phase_keys)
        static = (self.plan, len(self.data.test_x))
        self.carry, result = self._call(programs.online_pass, static, settings, (self.feed,), mapped, donate=True)
        return result

    def observed(self, sample: Mapping[str, np.ndarray]) -> dict[str, Observed]:
        """Features and logits of some images (uint8), group by group, each one batch; the run is left as it is."""
        found = {}
        for group, images in sample.items():
            shared = (self.feed, jnp.asarray(images))
            found[group] = self._call(observe, (self.frame,), (self.strategy,), shared, (self.carry.state,))
        return jax.device_get(found)
