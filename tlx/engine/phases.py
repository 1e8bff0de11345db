"""The pure programs of a run for one seed: enter a phase, one round of it, and the ordered pass of an online phase."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.contract import Context, Key, Model, Phase, Scalar, State, Strategy, Sweep, Tree, Unlabelled
from tlx.engine.evaluate import evaluate, predict, sweep
from tlx.engine.feed import Feed, batch_of, draw, normalise, take
from tlx.engine.groups import Flat
from tlx.engine.model import Frame, make_model
from tlx.engine.optimizer import Hyper
from tlx.engine.pretrained import pretrained
from tlx.engine.recipe import Recipe
from tlx.engine.step import Carry, same_tree, start, step
from tlx.errors import NotShownError

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


def init(plan: Plan, strategy: Strategy, key: Key, weights: Flat) -> State:
    """The strategy's first state, from `weights` where there are any."""
    model = pretrained(make_model(plan.frame), plan.frame, weights)
    return strategy.init(model, jax.random.fold_in(key, INIT))


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
    model, phase, _ = _phase(plan, strategy)

    def swept(function, over):
        return sweep(feed, plan.frame.swept[over], plan.recipe.eval_batch, function, over)

    carry = refreshed(plan, strategy, carry, key, done / jnp.maximum(total, 1), swept)
    at = rows_of(plan, phase.sees, steps, feed, done, key)
    carry, metrics = train_steps(plan, strategy, hyper, feed, done, total, carry, key, at)
    finite = all_finite(metrics, carry.state)
    tables = [feed.source_val, feed.test]
    found = evaluate(strategy, model, carry.state, feed, tables, plan.recipe.eval_batch)
    return carry, Round(jax.tree.map(jnp.mean, metrics), finite, *found)


def rows_of(
    plan: Plan, sees: frozenset[str], steps: int, feed: Feed, done: jax.Array, key: Key
) -> dict[str, jax.Array]:
    """The rows of `steps` steps from step `done` of a phase: {field: [steps, batch]}."""
    return draw(feed, sees, jax.random.fold_in(key, ROWS), done + jnp.arange(steps), plan.recipe.batch)


def train_steps(
    plan: Plan,
    strategy: Strategy,
    hyper: Hyper,
    feed: Feed,
    done: jax.Array,
    total: jax.Array,
    carry: Carry,
    key: Key,
    at: dict[str, jax.Array],
    images: dict[str, jax.Array] | None = None,
) -> tuple[Carry, dict[str, jax.Array]]:
    """The steps whose rows are `at` {field: [steps, batch]}, from step `done`; gives each step's metrics too.

    `images` are those rows' (uint8 [steps, batch, H, W, C]) where they are streamed.
    """
    _, phase, where = _phase(plan, strategy)
    if plan.mesh is not None:
        whole = NamedSharding(plan.mesh, PartitionSpec(None, "batch"))
        at, images = jax.lax.with_sharding_constraint((at, images), whole)
    steps_key = jax.random.fold_in(key, STEPS)

    def one(carry: Carry, now):
        number, rows, x = now
        batch = take(feed, rows, where, x)
        progress = number / jnp.maximum(total, 1)
        fresh = jax.random.fold_in(steps_key, number)
        return step(strategy, phase, plan.recipe, hyper, carry, batch, fresh, progress)

    numbers = done + jnp.arange(len(jax.tree.leaves(at)[0]))
    return jax.lax.scan(one, carry, (numbers, at, images))


def online_pass(
    plan: Plan, rows: int, strategy: Strategy, hyper: Hyper, feed: Feed, carry: Carry, key: Key
) -> tuple[Carry, Round]:
    """Over the `rows` target test images in order: adapt on a batch, predict it; the rest of a batch comes last."""
    model = make_model(plan.frame)
    size = min(plan.recipe.batch, rows)

    def one(carry: Carry, number: jax.Array, count: int):
        images = jax.lax.dynamic_slice_in_dim(feed.test.x, number * size, count)
        return online_step(plan, rows, strategy, hyper, feed, number, images, carry, key)

    whole, rest = divmod(rows, size)
    carry, (metrics, logits) = jax.lax.scan(lambda c, number: one(c, number, size), carry, jnp.arange(whole))
    logits = logits.reshape(-1, model.classes)
    if rest:
        carry, (_, last) = one(carry, jnp.int32(whole), rest)
        logits = jnp.concatenate([logits, last])
    (source,) = evaluate(strategy, model, carry.state, feed, [feed.source_val], plan.recipe.eval_batch)
    return carry, Round(jax.tree.map(jnp.mean, metrics), all_finite(metrics, carry.state), source, logits)


def online_step(
    plan: Plan,
    rows: int,
    strategy: Strategy,
    hyper: Hyper,
    feed: Feed,
    number: jax.Array,
    images: jax.Array,
    carry: Carry,
    key: Key,
) -> tuple[Carry, tuple[dict[str, Scalar], jax.Array]]:
    """Batch `number` of the test images (uint8): adapt on it, predict it. Gives the metrics and the logits too."""
    model, phase, where = _phase(plan, strategy)
    size = min(plan.recipe.batch, rows)
    x = normalise(feed, images)
    batch = batch_of({"target": Unlabelled(x, number * size + jnp.arange(len(images)))}, where)
    fresh = jax.random.fold_in(jax.random.fold_in(key, STEPS), number)
    carry, metrics = step(strategy, phase, plan.recipe, hyper, carry, batch, fresh, number * size / rows)
    return carry, (metrics, predict(strategy, model, carry.state, x))


def refreshed(plan: Plan, strategy: Strategy, carry: Carry, key: Key, progress: Scalar, swept: Sweep) -> Carry:
    """The carry after the phase's `refresh`, which may call `swept(function, over)` over what the phase sees."""
    _, phase, where = _phase(plan, strategy)
    context = Context(jax.random.fold_in(key, REFRESH), progress)

    def shown(function: Callable, over: str = "target") -> Tree:
        if over not in phase.sees & {"target", "labelled"}:
            seen = ", ".join(sorted(phase.sees))
            raise NotShownError(f"{where} sweeps over '{over}'; expected target or labelled, of what it sees: {seen}.")
        return swept(function, over)

    state = phase.refresh(carry.state, shown, context)
    same_tree(carry.state, state, f"{where}: `refresh`")
    return carry._replace(state=state)


def all_finite(metrics: dict[str, jax.Array], state: State) -> jax.Array:
    leaves = [leaf for leaf in (*jax.tree.leaves(metrics), *jax.tree.leaves(state.params)) if leaf.size]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
