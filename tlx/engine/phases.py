"""The pure programs of a run for one seed: enter a phase, one round of it, and the ordered pass of an online phase."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.contract import Context, Key, Model, Phase, Scalar, State, Strategy, Unlabelled
from tlx.engine.evaluate import evaluate, predict, sweep
from tlx.engine.feed import Feed, batch_of, draw, normalise, take
from tlx.engine.model import Frame, make_model
from tlx.engine.optimizer import Hyper
from tlx.engine.recipe import Recipe
from tlx.engine.step import Carry, same_tree, start, step

BEGIN, ROWS, STEPS, REFRESH = range(4)  # what a phase's key is folded with, so that no two uses share a key
INIT = 2**31 - 1  # the run's key is folded with it, or with a phase's number


class Plan(NamedTuple):
    """All that is fixed in a program besides array shapes and the strategy's static fields; hashable."""

    frame: Frame
    recipe: Recipe  # its skeleton
    phase: int
    mesh: Mesh | None = None  # of several devices: its axis "batch" divides the rows of a step


class Round(NamedTuple):
    """What a round gives back besides its carry: mean metrics, whether all was finite, both sets' logits."""

    metrics: dict[str, Scalar]
    finite: jax.Array
    source_logits: jax.Array
    target_logits: jax.Array


def _phase(plan: Plan, strategy: Strategy) -> tuple[Model, Phase, str]:
    model = make_model(plan.frame)
    phase = strategy.phases(model)[plan.phase]
    return model, phase, f"strategy {type(strategy).__name__}, phase {phase.name}"


def init(plan: Plan, strategy: Strategy, key: Key) -> State:
    """The strategy's first state."""
    return strategy.init(make_model(plan.frame), jax.random.fold_in(key, INIT))


def enter(plan: Plan, strategy: Strategy, hyper: Hyper, state: State, key: Key) -> Carry:
    """The phase's `begin`, then new optimizer states."""
    _, phase, _ = _phase(plan, strategy)
    state = phase.begin(state, Context(jax.random.fold_in(key, BEGIN), jnp.float32(0)))
    return start(strategy, phase, plan.recipe, hyper, state)


def train_round(
    plan: Plan,
    steps: int,
    strategy: Strategy,
    hyper: Hyper,
    feed: Feed,
    done: jax.Array,
    total: jax.Array,
    carry: Carry,
    key: Key,
) -> tuple[Carry, Round]:
    """`refresh`, then `steps` steps from step `done` of the phase's `total`, then evaluation."""
    model, phase, where = _phase(plan, strategy)
    recipe = plan.recipe
    carry = _refreshed(plan, model, phase, where, feed, carry, key, done / total)
    numbers = done + jnp.arange(steps)
    at = draw(feed, phase.sees, jax.random.fold_in(key, ROWS), numbers, recipe.batch)
    if plan.mesh is not None:
        at = jax.lax.with_sharding_constraint(at, NamedSharding(plan.mesh, PartitionSpec(None, "batch")))
    steps_key = jax.random.fold_in(key, STEPS)

    def one(carry: Carry, now):
        number, rows = now
        batch = take(feed, rows, where)
        progress = number / jnp.maximum(total, 1)
        fresh = jax.random.fold_in(steps_key, number)
        return step(strategy, phase, recipe, hyper, carry, batch, fresh, progress)

    carry, metrics = jax.lax.scan(one, carry, (numbers, at))
    finite = _finite(metrics, carry.state)
    return carry, Round(
        jax.tree.map(jnp.mean, metrics), finite, *_evaluated(strategy, model, carry.state, feed, recipe)
    )


def online_pass(
    plan: Plan, rows: int, strategy: Strategy, hyper: Hyper, feed: Feed, carry: Carry, key: Key
) -> tuple[Carry, Round]:
    """Over the `rows` target test images in order: adapt on a batch, predict it; the rest of a batch comes last."""
    model, phase, where = _phase(plan, strategy)
    size = min(plan.recipe.batch, rows)
    steps_key = jax.random.fold_in(key, STEPS)

    def one(carry: Carry, number: jax.Array, count: int):
        index = number * size + jnp.arange(count)
        x = normalise(feed, jax.lax.dynamic_slice_in_dim(feed.test.x, number * size, count))
        batch = batch_of({"target": Unlabelled(x, index)}, where)
        fresh = jax.random.fold_in(steps_key, number)
        progress = number * size / rows
        carry, metrics = step(strategy, phase, plan.recipe, hyper, carry, batch, fresh, progress)
        return carry, (metrics, predict(strategy, model, carry.state, x))

    whole, rest = divmod(rows, size)
    carry, (metrics, logits) = jax.lax.scan(lambda c, number: one(c, number, size), carry, jnp.arange(whole))
    logits = logits.reshape(-1, model.classes)
    if rest:
        carry, (_, last) = one(carry, jnp.int32(whole), rest)
        logits = jnp.concatenate([logits, last])
    source = evaluate(strategy, model, carry.state, feed, feed.source_val, plan.recipe.eval_batch)
    return carry, Round(jax.tree.map(jnp.mean, metrics), _finite(metrics, carry.state), source, logits)


def _refreshed(
    plan: Plan, model: Model, phase: Phase, where: str, feed: Feed, carry: Carry, key: Key, progress: Scalar
) -> Carry:
    def over_target(function):
        return sweep(feed, plan.frame.rows, plan.recipe.eval_batch, function)

    context = Context(jax.random.fold_in(key, REFRESH), progress)
    state = phase.refresh(carry.state, over_target, context)
    same_tree(carry.state, state, f"{where}: `refresh`")
    return carry._replace(state=state)


def _finite(metrics: dict[str, jax.Array], state: State) -> jax.Array:
    leaves = [*jax.tree.leaves(metrics), *jax.tree.leaves(state.params)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def _evaluated(
    strategy: Strategy, model: Model, state: State, feed: Feed, recipe: Recipe
) -> tuple[jax.Array, jax.Array]:
    source = evaluate(strategy, model, state, feed, feed.source_val, recipe.eval_batch)
    target = evaluate(strategy, model, state, feed, feed.test, recipe.eval_batch)
    return source, target
