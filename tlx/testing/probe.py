"""A strategy under the lens: one seed of it on the real model, and every function of a phase by itself."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Batch, Context, Inputs, Logits, NotShown, Phase, State, Strategy, Tree
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.optimizer import descent
from tlx.engine.recipe import Recipe
from tlx.engine.step import Program, Where, check_loss, same_tree, start, step
from tlx.testing.toy import BATCH, CLASSES, ROWS, TinyBN, bars

Value = tuple[float, dict[str, float]]
PLAIN = Recipe(name="plain", lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, schedule="constant", bottleneck=0)


class Probe:
    """One seed of a strategy on a small backbone and fixed rows, to call what the engine calls.

    `begin` sets the phase and the state that the other methods start from; each also takes another `state`, and none
    but `begin` changes the probe. `rows` are all rows of a field, `batch` those of a step; both may be replaced.
    `facts` are further fields of the model's `ModelSpec`. The strategy is an argument of the compiled programs, so
    other values of its float settings recompile nothing.

    Example:
        probe = Probe(MyStrategy(weight=2.0))
        before = probe.begin()
        loss, metrics = probe.value()
        after = probe.step()
        assert probe.value(state=after)[0] < loss
    """

    def __init__(
        self,
        strategy: Strategy,
        backbone: Any = TinyBN,
        *,
        rows: dict[str, Any] | None = None,
        recipe: Recipe = PLAIN,
        seed: int = 0,
        **facts: Any,
    ):
        self.strategy, self.recipe, self.seed = strategy, recipe, seed
        self.rows = rows or bars(
            facts.get("domains", 1), facts.get("kind", "image"), facts.get("target_kind") == "real"
        )
        counts = tuple((field, len(table.index)) for field, table in self.rows.items())
        shapes, named = Shapes.of(self.rows["source"].x), {"class_names": CLASSES, "known": 3, "outputs": 3}
        spec = ModelSpec(backbone, shapes, rows=counts, **{"bottleneck": recipe.bottleneck, **named, **facts})
        self.model = make_model(spec)
        # the target's rows are not in the order of their indices, which a bank must not read by place
        orders = {"target": np.random.default_rng(1).permutation(counts[-1][1])}
        shown = {f: jax.tree.map(lambda a, f=f: a[orders.get(f, slice(None))][:BATCH], r) for f, r in self.rows.items()}
        self.batch = Batch(shown["source"], shown["target"], shown["labelled"])
        self.number, self.state = 0, State({}, {}, {})

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of the strategy."""
        return self.strategy.phases(self.model)

    def context(self, progress: float = 0.5) -> Context:
        """The context of every call: the key is the same each time."""
        return Context(jax.random.key(self.seed + 7), jnp.float32(progress))

    def begin(self, phase: int = 0, state: State | None = None) -> State:
        """The state at the start of a phase, entered with a state, or with that of `init`."""
        self.number = range(len(self.phases))[phase]
        self.state = self._run(_begin, jax.random.key(self.seed) if state is None else state, self.context())
        return self.state

    def value(self, objective: int = 0, *, state: State | None = None, progress: float = 0.5) -> Value:
        """The loss of an objective, and its metrics."""
        loss, metrics, _ = self._run(_value, self._at(state), self.batch, self.context(progress), more=(objective,))
        return float(loss), {name: float(metric) for name, metric in metrics.items()}

    def seen(self, objective: int = 0, *, state: State | None = None, progress: float = 0.5) -> State:
        """The state that an objective's loss gives back: its parameters are as they were."""
        return self._run(_value, self._at(state), self.batch, self.context(progress), more=(objective,))[2]

    def slope(self, objective: int = 0, *, state: State | None = None, progress: float = 0.5) -> dict[str, Tree]:
        """The gradient of an objective's loss by every parameter, trained or not, by group."""
        return self._run(_slope, self._at(state), self.batch, self.context(progress), more=(objective,))

    def step(
        self, steps: int = 1, *, objectives: tuple[int, ...] = (), state: State | None = None, progress: float = 0.5
    ) -> State:
        """The state after steps of the engine on the batch, by all objectives of the phase or those of some numbers."""
        chosen = objectives or tuple(range(len(self.phases[self.number].objectives)))
        args = self._at(state), self.batch, self.context(progress), steps
        return self._run(_step, *args, more=(self.recipe, chosen))

    def after(self, *, state: State | None = None) -> State:
        """The state after the phase's `after`."""
        return self._run(_after, self._at(state), self.batch, self.context())

    def sweep(self, *, state: State | None = None, size: int = ROWS) -> dict[str, Tree]:
        """The outputs of the phase's sweeps, by name, over all rows in batches of a size that divides their number."""
        return self._run(sweep, self._at(state), self.rows, more=(size,))

    def refresh(self, *, state: State | None = None, progress: float = 0.5) -> State:
        """The state after the phase's `refresh`, which gets the outputs of its sweeps."""
        return self._run(refresh, self._at(state), self.sweep(state=state), self.context(progress))

    def predict(self, x: Inputs = None, *, state: State | None = None) -> Logits:
        """The logits of x, by default of the batch's target rows."""
        return self._run(_predict, self._at(state), self.batch.target.x if x is None else x)

    def _at(self, state: State | None) -> State:
        return self.state if state is None else state

    def _run(self, function: Callable[..., Any], *args: Any, more: tuple = ()) -> Any:
        return _compiled((function, self.model, self.number, *more), self.strategy, *args)


@functools.partial(jax.jit, static_argnums=0)
def _compiled(static: Any, strategy: Strategy, *args: Any) -> Any:
    function, model, number, *more = static
    return function(strategy, model, strategy.phases(model)[number], *args, *more)


def _where(strategy: Strategy, phase: Phase) -> Where:
    return Where(type(strategy).__name__, phase.name)


def program(strategy: Strategy, phase: Phase, recipe: Recipe) -> Program:
    """A phase as the engine's `step` needs it."""
    how = descent(recipe.static(), recipe.traced(), phase)
    return Program(_where(strategy, phase), strategy.groups, phase, how)


def shown(strategy: Strategy, phase: Phase, batch: Batch) -> Batch:
    """A batch as the phase sees it."""
    where, sees = str(_where(strategy, phase)), tuple(sorted(phase.sees))
    hidden: Any = {name: NotShown(name, sees, where) for name in Batch._fields if name not in sees}
    return batch._replace(**hidden)


def _begin(strategy, model, phase, given, context):
    return phase.begin(given if isinstance(given, State) else strategy.init(model, given), context)


def _value(strategy, model, phase, state, batch, context, objective):
    returned = phase.objectives[objective].loss(state, shown(strategy, phase, batch), context)
    loss, after, metrics = check_loss(returned, _where(strategy, phase))
    return loss, metrics, after._replace(params=state.params)


def _slope(strategy, model, phase, state, batch, context, objective):
    args = batch, context, objective
    return jax.grad(lambda params: _value(strategy, model, phase, state._replace(params=params), *args)[0])(
        state.params
    )


def _step(strategy, model, phase, state, batch, context, steps, recipe, chosen):
    phase = phase._replace(objectives=tuple(phase.objectives[number] for number in chosen))
    made = program(strategy, phase, recipe)

    def once(_, carried):
        carry, key = carried
        key, own = jax.random.split(key)
        return step(made, carry, shown(strategy, phase, batch), own, context.progress)[0], key

    return jax.lax.fori_loop(0, steps, once, (start(made, state), context.key))[0].state


def _after(strategy, model, phase, state, batch, context):
    return same_tree(
        state, phase.after(state, shown(strategy, phase, batch), context), f"{_where(strategy, phase)}: `after`"
    )


def sweep(strategy, model, phase, state, rows, size):
    """The outputs of a phase's sweeps by name, over `rows` by field, in batches of a size."""

    def over(sweep):
        cut = jax.tree.map(lambda leaf: leaf.reshape(-1, size, *leaf.shape[1:]), rows[sweep.over])
        every = jax.lax.map(lambda part: sweep.each(state, part), cut)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), every)

    return {name: over(sweep) for name, sweep in phase.sweeps.items()}


def refresh(strategy, model, phase, state, swept, context):
    """The state after a phase's `refresh`."""
    return same_tree(state, phase.refresh(state, swept, context), f"{_where(strategy, phase)}: `refresh`")


def _predict(strategy, model, phase, state, x):
    return strategy.predict(model, state, x)
