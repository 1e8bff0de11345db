"""Objectives to a step: each objective's loss, its gradient, and the groups that it trains moved down it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import optax

from tlx.contract import Batch, Context, Key, Objective, Phase, Scalar, State
from tlx.engine.groups import select
from tlx.engine.optimizer import Descent, transform, update
from tlx.errors import ContractError
from tlx.ops.paths import by_path, with_leaves

T = TypeVar("T")


class Carry(NamedTuple):
    """What goes from step to step: the strategy's state and an optimizer state per trained group."""

    state: State
    optimizers: dict[str, optax.OptState]


class Where(NamedTuple):
    """Names the place in an error: strategy and phase."""

    strategy: str
    phase: str

    def __str__(self) -> str:
        return f"strategy {self.strategy}, phase {self.phase}"


class Program(NamedTuple):
    """A phase of a strategy as a step needs it: who it is, what it does, and how it descends."""

    where: Where
    groups: Mapping[str, str]
    phase: Phase
    how: Descent


def start(program: Program, state: State) -> Carry:
    """The carry at the start of a phase, with new optimizer states."""
    flat = by_path(state.params)
    optimizers = {}
    for objective in program.phase.objectives:
        for group, paths in select(state, objective.trains, program.groups, str(program.where)).items():
            optimizers[group] = transform(program.how.recipe, program.how.traced).init(
                {path: flat[path] for path in paths}
            )
    return Carry(state, optimizers)


def step(program: Program, carry: Carry, batch: Batch, key: Key, progress: Scalar) -> tuple[Carry, dict[str, Scalar]]:
    """One step of a phase: its objectives in order, then `after`. Metrics are those of the last repeat of each."""
    phase = program.phase
    *keys, last = jax.random.split(key, len(phase.objectives) + 1)
    metrics: dict[str, Scalar] = {}
    for number, objective in enumerate(phase.objectives):

        def once(carry: Carry, key: Key, objective: Objective = objective):
            return _descend(program, objective, carry, batch, Context(key, progress))

        if objective.repeat == 1:
            carry, own = once(carry, keys[number])
        else:
            carry, every = jax.lax.scan(once, carry, jax.random.split(keys[number], objective.repeat))
            own = jax.tree.map(lambda values: values[-1], every)
        suffix = f"/{number}" if len(phase.objectives) > 1 else ""
        metrics |= {f"{name}{suffix}": value for name, value in own.items()}
    state = phase.after(carry.state, batch, Context(last, progress))
    return carry._replace(state=same_tree(carry.state, state, f"{program.where}: `after`")), metrics


def _descend(
    program: Program, objective: Objective, carry: Carry, batch: Batch, context: Context
) -> tuple[Carry, dict[str, Scalar]]:
    state, where = carry.state, program.where
    chosen = select(state, objective.trains, program.groups, str(where))
    flat = by_path(state.params)

    def loss(trained: dict[str, Any]):
        returned = objective.loss(state._replace(params=with_leaves(state.params, trained)), batch, context)
        value, after, metrics = check_loss(returned, where)
        kept = same_tree(state._replace(params={}), after._replace(params={}), f"{where}: the loss")
        return value, (kept.stats, kept.extra, metrics)

    trained = {path: flat[path] for paths in chosen.values() for path in paths}
    (value, (stats, extra, metrics)), grads = jax.value_and_grad(loss, has_aux=True)(trained)
    optimizers = dict(carry.optimizers)
    moved: dict[str, Any] = {}
    for group, paths in chosen.items():
        part = {path: trained[path] for path in paths}
        slopes = {path: grads[path] for path in paths}
        new, optimizers[group] = update(program.how, context.progress, slopes, optimizers[group], part)
        moved |= new
    return Carry(State(with_leaves(state.params, moved), stats, extra), optimizers), {"loss": value, **metrics}


def check_loss(returned: Any, where: Where | str) -> tuple[Scalar, State, dict[str, Scalar]]:
    """The parts of what a loss returned. Raises ContractError unless they are (scalar, State, dict of scalars)."""
    if not (isinstance(returned, tuple) and len(returned) == 3 and isinstance(returned[1], State)):
        raise ContractError(f"{where}: the loss returned {_kind(returned)}; expected (loss, state, metrics)")
    value, state, metrics = returned
    if jnp.shape(value) != () or not jnp.issubdtype(jnp.result_type(value), jnp.floating):
        raise ContractError(f"{where}: the loss is {_kind(value)}; expected a float scalar, as from jnp.mean")
    if not isinstance(metrics, dict):
        raise ContractError(f"{where}: the metrics are {_kind(metrics)}; expected a dict of scalars")
    for name, metric in metrics.items():
        if jnp.shape(metric) != ():
            raise ContractError(f"{where}: metric '{name}' is {_kind(metric)}; expected a scalar")
    return value, state, {name: jnp.asarray(metric, jnp.float32) for name, metric in metrics.items()}


def same_tree(before: T, after: Any, what: str) -> T:
    """`after`, in the structure of `before`. Raises ContractError, naming the first leaf of another shape or type."""
    old, new = by_path(before), by_path(after)
    for path in [*old, *(path for path in new if path not in old)]:
        was, now = old.get(path), new.get(path)
        if was is None or now is None or _aval(was) != _aval(now):
            raise ContractError(
                f"{what} changed the state's tree at '{path}': it was {_kind(was)}, is {_kind(now)}; "
                "only `init` and a phase's `begin` may add or remove leaves"
            )
    if isinstance(before, State) and (names := before.stats.keys() ^ after.stats.keys()):  # a network may have no leaf
        raise ContractError(
            f"{what} changed the state's tree at 'stats/{min(names)}': it has "
            f"{'no' if min(names) in before.stats else 'a new'} network of that name; "
            "only `init` and a phase's `begin` may add or remove networks"
        )
    return jax.tree.structure(before).unflatten([new[path] for path in old])


def _aval(leaf: Any) -> tuple:
    return jnp.shape(leaf), getattr(leaf, "dtype", None) or jnp.result_type(leaf)


def _kind(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} ({', '.join(_kind(part) for part in value)})"
    if hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    return f"a {type(value).__name__}"
