"""The compiled programs of one run whose images are on the device, and what they pass on."""

from collections.abc import Mapping
from typing import Any

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


class Run:
    """A run of several seeds: enter its phases one after the other, then take their rounds."""

    resident = True

    def __init__(
        self,
        strategy: Strategy,
        frame: Frame,
        recipe: Recipe,
        data: TaskData,
        sees: frozenset[str],
        keys: jax.Array,
        weights: Flat,
    ):
        self.strategy = jax.tree.map(jnp.float32, strategy)
        self.hyper = {name: jnp.float32(value) for name, value in recipe.hyper().items()}
        self.frame, self.recipe, self.data, self.keys = frame, recipe.skeleton(), data, keys
        self.feed = make_feed(data, sees, self.resident)
        self.compile_seconds = 0.0
        self.mesh = mesh(len(keys), recipe.batch)
        self.state = self._call(programs.init, (Plan(frame, self.recipe, 0),), (self.strategy,), (keys, weights))
        self.carry: Any = None

    def _call(self, function, static, shared, mapped, donate=False):
        out, seconds = run(function, static, shared, mapped, donate, self.mesh)
        self.compile_seconds += seconds
        return out

    def enter(self, phase: int) -> None:
        """Begins a phase."""
        self.plan = Plan(self.frame, self.recipe, phase, self.mesh)
        self.phase_keys = jax.vmap(lambda key: jax.random.fold_in(key, phase))(self.keys)
        state = self.state if self.carry is None else self.carry.state
        self.carry = self._call(programs.enter, (self.plan,), (self.strategy, self.hyper), (state, self.phase_keys))

    def round(self, steps: int, done: int, total: int) -> Round:
        """The next round of the phase: `steps` of its `total` steps, `done` being behind. Leaves have a seed axis."""
        shared = (self.strategy, self.hyper, self.feed, jnp.int32(done), jnp.int32(total))
        mapped = (self.carry, self.phase_keys)
        self.carry, result = self._call(programs.train_round, (self.plan, steps), shared, mapped, donate=True)
        return result

    def online(self) -> Round:
        """The one pass of an online phase."""
        shared, mapped = (self.strategy, self.hyper, self.feed), (self.carry, self.phase_keys)
        static = (self.plan, len(self.data.test_x))
        self.carry, result = self._call(programs.online_pass, static, shared, mapped, donate=True)
        return result

    def observed(self, sample: Mapping[str, np.ndarray]) -> dict[str, Observed]:
        """Features and logits of some images (uint8), group by group, each one batch; the run is left as it is."""
        found = {}
        for group, images in sample.items():
            shared = (self.strategy, self.feed, jnp.asarray(images))
            found[group] = self._call(observe, (self.frame,), shared, (self.carry.state,))
        return jax.device_get(found)
