"""Predictions over a whole table, in batches."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tlx.contract import Images, Model, State, Strategy, Tree
from tlx.engine.feed import Feed, Table, normalise
from tlx.engine.model import Frame, make_model
from tlx.errors import ContractError


def predict(strategy: Strategy, model: Model, state: State, x: Images) -> jax.Array:
    """The strategy's logits [B, classes]. Raises ContractError for another shape."""
    logits = strategy.predict(model, state, x)
    expected = (x.shape[0], model.classes)
    if jnp.shape(logits) != expected:
        raise ContractError(
            f"strategy {type(strategy).__name__}: `predict` returned shape {jnp.shape(logits)}; "
            f"expected {expected}, [B, classes]"
        )
    return logits


class Observed(NamedTuple):
    """What a strategy makes of some images: features [seeds, B, width] and logits [seeds, B, classes]."""

    features: Any
    logits: Any


def observe(frame: Frame, strategy: Strategy, feed: Feed, images: jax.Array, state: State) -> Observed:
    """Logits of a batch of images (uint8), and the features that `predict` made them from: the last it asked for.

    A program of its own, so that a run trains by the same one whether it is observed or not.
    """
    model, x, seen = make_model(frame), normalise(feed, images), []

    def features(*args: Any, **more: Any) -> tuple[jax.Array, State]:
        found = model.features(*args, **more)
        seen.append(found[0])
        return found

    logits = predict(strategy, model._replace(features=features), state, x)
    own = seen and seen[-1].shape == (len(images), model.width)
    return Observed(seen[-1] if own else model.features(state, x, train=False)[0], logits)


def evaluate(
    strategy: Strategy, model: Model, state: State, feed: Feed, tables: Sequence[Table], batch: int
) -> list[jax.Array]:
    """The logits of every row of each table [padded, classes]; only the first `rows.n` are meant."""

    @partial(jax.jit, inline=True)  # traced once for tables of one shape
    def logits(images: jax.Array) -> jax.Array:
        return predict(strategy, model, state, normalise(feed, images))

    def whole(rows: Table) -> jax.Array:
        size = min(batch, rows.x.shape[0])
        out = jnp.zeros((rows.x.shape[0], model.classes), jnp.float32)
        if not size:  # a task without a source
            return out

        def one(number: jax.Array, out: jax.Array) -> jax.Array:
            # The last slice is moved back to end with the last row: `predict` may use its batch's statistics.
            at = jnp.minimum(number * size, jnp.maximum(rows.n - size, 0))
            found = logits(jax.lax.dynamic_slice_in_dim(rows.x, at, size))
            return jax.lax.dynamic_update_slice_in_dim(out, found, at, 0)

        return jax.lax.fori_loop(0, (rows.n + size - 1) // size, one, out)

    return [whole(rows) for rows in tables]


def sweep(feed: Feed, rows: int, batch: int, function, over: str = "target") -> Tree:
    """`function` over the first `rows` target train images, in batches; its outputs stacked in index order.

    Over "labelled", `function` is given the labels of the labelled target rows too.
    """
    size = min(batch, rows)
    count = -(-rows // size)
    table = feed.tables[over]
    assert table.x.shape[0] >= rows

    def one(number: jax.Array) -> Tree:
        at = jnp.minimum(number * size, rows - size)
        x = normalise(feed, jax.lax.dynamic_slice_in_dim(table.x, at, size))
        return function(x) if over == "target" else function(x, jax.lax.dynamic_slice_in_dim(table.y, at, size))

    stacked = jax.lax.map(one, jnp.arange(count))
    overlap = count * size - rows

    def joined(parts: jax.Array) -> jax.Array:
        whole, last = parts[:-1].reshape(-1, *parts.shape[2:]), parts[-1]
        return jnp.concatenate([whole, last[overlap:]])

    return jax.tree.map(joined, stacked)
