"""The strategies in the engine's own programs, on the tiny task with a backbone that has batch norm."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest

from tlx.contract import Batch, Context, Objective, State, Strategy
from tlx.data import TaskData
from tlx.engine import phases as programs
from tlx.engine.feed import make_feed, normalise, take, union
from tlx.engine.model import Frame, make_model
from tlx.engine.phases import Plan, Round
from tlx.engine.recipe import Recipe
from tlx.engine.step import start, step
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

PLAIN = Recipe(lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, schedule="constant")


@functools.cache
def compiled(kind: type, function: Callable, *static):
    """A program for one class: JAX takes the trees of two dataclasses with the same fields for equal."""
    return jax.jit(functools.partial(function, *static))


class Run:
    """One seed of a strategy, phase by phase, with its state to look at."""

    def __init__(self, strategy: Strategy, data: TaskData | None = None):
        data = data or tiny_task()
        self.strategy, self.data, self.recipe = strategy, data, tiny_recipe()
        shape, rows = data.source.x.shape[1:], len(data.target_x)
        self.frame = Frame(TinyBN, shape, len(data.classes), rows, labelled=len(data.labelled.x))
        self.model = make_model(self.frame)
        self.phases = strategy.phases(self.model)
        self.feed = make_feed(data, union([phase.sees for phase in self.phases]))
        self.hyper = {name: jnp.float32(value) for name, value in self.recipe.hyper().items()}
        self.key = jax.random.key(0)
        self.plan = Plan(self.frame, self.recipe.skeleton(), 0)
        self.state = self._call(programs.init, self.plan)(strategy, self.key, {})
        self.logits = jnp.zeros(0)
        self.metrics: dict[str, jax.Array] = {}

    def enter(self, phase: int) -> State:
        """The state at the start of a phase."""
        self.plan, self.done = self.plan._replace(phase=phase), 0
        self.carry = self._call(programs.enter, self.plan)(self.strategy, self.hyper, self.state, self.key)
        self.state = self.carry.state
        return self.state

    def round(self, steps: int = 3, total: int = 6) -> State:
        """The state after one round of the phase."""
        program, at = self._call(programs.train_round, self.plan, steps), (jnp.int32(self.done), jnp.int32(total))
        return self._went(program(self.strategy, self.hyper, self.feed, *at, self.carry, self.key), steps)

    def online(self) -> State:
        """The state after the phase's pass over the test images."""
        program = self._call(programs.online_pass, self.plan, len(self.data.test_x))
        return self._went(program(self.strategy, self.hyper, self.feed, self.carry, self.key), 0)

    def batch(self, rows: int = 16) -> Batch:
        """The first rows of every table that the strategy sees."""
        return take(self.feed, dict.fromkeys(self.feed.tables, jnp.arange(rows)), "test")

    def batch_of_test(self, rows: int) -> jax.Array:
        """The first rows of the target test images."""
        return normalise(self.feed, self.feed.test.x[:rows])

    def step(self, *objectives: Objective, progress: float = 0.5) -> State:
        """The state after one plain gradient step of some objectives on `batch`; the run stays where it is."""
        phase, hyper, now = self.phases[self.plan.phase]._replace(objectives=objectives), PLAIN.hyper(), progress

        def one(strategy, state):
            carry = start(strategy, phase, PLAIN, hyper, state)
            return step(strategy, phase, PLAIN, hyper, carry, self.batch(), self.key, jnp.float32(now))[0].state

        return jax.jit(one)(self.strategy, self.state)

    def measured(self, objective: Objective, state: State, progress: float = 0.5) -> dict[str, float]:
        """The loss and the metrics of an objective at a state, on `batch`."""
        context = Context(self.key, jnp.float32(progress))
        loss, _, metrics = jax.jit(lambda state: objective.loss(state, self.batch(), context))(state)
        return {name: float(value) for name, value in {"loss": loss, **metrics}.items()}

    def _call(self, function: Callable, *static) -> Callable:
        return compiled(type(self.strategy), function, *static)

    def _went(self, out, steps: int) -> State:
        result: Round
        self.carry, result = out
        self.done += steps
        self.state, self.logits, self.metrics = self.carry.state, result.target_logits, result.metrics
        return self.state


@pytest.fixture
def engine() -> type[Run]:
    return Run
