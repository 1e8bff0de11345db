"""Objectives to a step: each objective's loss, its gradient, and the groups that it trains moved down it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from tlx.contract import Batch, Context, Key, Objective, Phase, Scalar, State, Strategy
from tlx.engine.groups import flatten, replace, select
from tlx.engine.head import HEADS
from tlx.engine.optimizer import Hyper, Rates, transform, update
from tlx.engine.recipe import Recipe
from tlx.errors import ContractError


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


def start(strategy: Strategy, phase: Phase, recipe: Recipe, hyper: Hyper, state: State) -> Carry:
    """The carry at the start of a phase, with new optimizer states."""
    where = Where(type(strategy).__name__, phase.name)
    flat = flatten(state.params)
    optimizers = {}
    for objective in phase.objectives:
        for group, paths in select(state.params, objective.trains, strategy.groups, str(where)).items():
            optimizers[group] = transform(recipe, hyper).init({path: flat[path] for path in paths})
    return Carry(state, optimizers)


def step(
    strategy: Strategy,
    phase: Phase,
    recipe: Recipe,
    hyper: Hyper,
    carry: Carry,
    batch: Batch,
    key: Key,
    progress: Scalar,
) -> tuple[Carry, dict[str, Scalar]]:
    """One step of a phase: its objectives in order, then `after`. Metrics are those of the last repeat of each."""
    where = Where(type(strategy).__name__, phase.name)
    lr = hyper["lr"] * phase.rate
    metrics: dict[str, Scalar] = {}
    for number, objective in enumerate(phase.objectives):

        def once(carry: Carry, repeat: jax.Array, number: int = number, objective: Objective = objective):
            fresh = jax.random.fold_in(jax.random.fold_in(key, number), repeat)
            context = Context(fresh, progress)
            return _descend(strategy, objective, recipe, hyper, lr, phase.rates, carry, batch, context, where)

        if objective.repeat == 1:
            carry, found = once(carry, jnp.int32(0))
        else:
            carry, every = jax.lax.scan(once, carry, jnp.arange(objective.repeat))
            found = jax.tree.map(lambda values: values[-1], every)
        suffix = f"/{number}" if len(phase.objectives) > 1 else ""
        metrics |= {f"{name}{suffix}": value for name, value in found.items()}
    context = Context(jax.random.fold_in(key, len(phase.objectives)), progress)
    state = phase.after(carry.state, batch, context)
    same_tree(carry.state, state, f"{where}: `after`")
    return carry._replace(state=state), metrics


def _descend(
    strategy: Strategy,
    objective: Objective,
    recipe: Recipe,
    hyper: Hyper,
    lr: jax.Array,
    rates: Rates,
    carry: Carry,
    batch: Batch,
    context: Context,
    where: Where,
) -> tuple[Carry, dict[str, Scalar]]:
    state = carry.state
    chosen = select(state.params, objective.trains, strategy.groups, str(where))
    flat = flatten(state.params)

    def loss(trained: dict[str, Any]):
        returned = objective.loss(state._replace(params=replace(state.params, trained)), batch, context)
        value, after, metrics = check_loss(returned, where)
        same_tree(state.extra, after.extra, f"{where}: the loss")
        _check_classified(state, after, chosen, where)
        return value, (after.extra, metrics)

    trained = {path: flat[path] for paths in chosen.values() for path in paths}
    (value, (extra, metrics)), grads = jax.value_and_grad(loss, has_aux=True)(trained)
    optimizers = dict(carry.optimizers)
    moved: dict[str, Any] = {}
    for group, paths in chosen.items():
        part = {path: trained[path] for path in paths}
        slopes = {path: grads[path] for path in paths}
        new, optimizers[group] = update(
            recipe, hyper, where.phase, lr, context.progress, slopes, optimizers[group], part, rates
        )
        moved |= new
    state = State(replace(state.params, moved), extra)
    return Carry(state, optimizers), {"loss": value, **metrics}


def _check_classified(before: State, after: State, trained: Iterable[str], where: Where) -> None:
    """Raises ContractError where a classifier is trained, and the statistics that it carries are left as they were."""
    carried = before.extra.get(HEADS, {})
    for group in trained:
        leaves = jax.tree.leaves(carried.get(group))
        if leaves and all(a is b for a, b in zip(leaves, jax.tree.leaves(after.extra[HEADS][group]), strict=True)):
            raise ContractError(
                f"{where} trains '{group}', which has dropout or batch norm with this backbone, in evaluation mode; "
                f'call `logits, state = model.classify(state, features, "{group}")` in a loss and return that state'
            )


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


def same_tree(before: Any, after: Any, what: str) -> None:
    """Raises ContractError where `after` has other leaves, shapes or types than `before`, naming the first."""
    old, new = flatten(before), flatten(after)
    for path in [*old, *(path for path in new if path not in old)]:
        was, now = old.get(path), new.get(path)
        if was is None or now is None or _aval(was) != _aval(now):
            raise ContractError(
                f"{what} changed the state's tree at '{path}': it was {_kind(was)}, is {_kind(now)}; "
                "only `init` and a phase's `begin` may add or remove leaves"
            )


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
