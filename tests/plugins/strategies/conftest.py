"""The strategies in the engine's own programs, on the tiny task with a backbone that has batch norm."""

import functools

import jax
import jax.numpy as jnp
import pytest

from tlx.contract import State, Strategy
from tlx.engine import phases as programs
from tlx.engine.feed import make_feed, union
from tlx.engine.model import Frame, make_model
from tlx.engine.phases import Plan, Round
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task


class Run:
    """One seed of a strategy, phase by phase, with its state to look at."""

    def __init__(self, strategy: Strategy, backbone=TinyBN, domains: int = 1):
        data = tiny_task(domains)
        self.strategy, self.data, self.recipe = strategy, data, tiny_recipe()
        self.frame = Frame(backbone, data.source.x.shape[1:], len(data.classes), len(data.target_x))
        self.model = make_model(self.frame)
        self.phases = strategy.phases(self.model)
        self.feed = make_feed(data, union([phase.sees for phase in self.phases]))
        self.hyper = {name: jnp.float32(value) for name, value in self.recipe.hyper().items()}
        self.key = jax.random.key(0)
        self.plan = Plan(self.frame, self.recipe.skeleton(), 0)
        self.state = jax.jit(functools.partial(programs.init, self.plan))(strategy, self.key)
        self.logits = jnp.zeros(0)
        self.metrics: dict[str, jax.Array] = {}

    def enter(self, phase: int) -> State:
        """The state at the start of a phase."""
        self.plan, self.done = self.plan._replace(phase=phase), 0
        begin = functools.partial(programs.enter, self.plan)
        self.carry = jax.jit(begin)(self.strategy, self.hyper, self.state, self.key)
        self.state = self.carry.state
        return self.state

    def round(self, steps: int = 3, total: int = 6) -> State:
        """The state after one round of the phase."""
        program = jax.jit(functools.partial(programs.train_round, self.plan, steps))
        return self._went(
            program(self.strategy, self.hyper, self.feed, jnp.int32(self.done), jnp.int32(total), self.carry, self.key),
            steps,
        )

    def online(self) -> State:
        """The state after the phase's pass over the test images."""
        program = jax.jit(functools.partial(programs.online_pass, self.plan, len(self.data.test_x)))
        return self._went(program(self.strategy, self.hyper, self.feed, self.carry, self.key), 0)

    def _went(self, out, steps: int) -> State:
        result: Round
        self.carry, result = out
        self.done += steps
        self.state, self.logits, self.metrics = self.carry.state, result.target_logits, result.metrics
        return self.state


@pytest.fixture
def engine() -> type[Run]:
    return Run
