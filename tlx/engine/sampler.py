"""Shuffled epochs without a stored permutation: the rows of any step are a pure function of key and step.

A generalised Feistel network (Black and Rogaway 2002, "Ciphers with arbitrary finite domains") permutes 0..n-1 with
a new permutation every epoch; `n` may be traced, so data sets of different size share one compiled program, a run
resumes from its step number, and a host that streams the data draws the same rows.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from tlx.errors import ContractError

ROUNDS = 6


@partial(jax.jit, static_argnames="batch", inline=True)  # a program that draws from several tables traces it once
def rows(key: PRNGKeyArray, step: Int[Array, "*steps"], n: Int[Array, ""], batch: int) -> Int[Array, "*steps batch"]:
    """The rows that a batch takes at a step, or at each of several steps: every row once an epoch, in shuffled order.

    Position q = step * batch + j lies in epoch q // n; its row is the epoch's permutation of q % n. With n < batch an
    epoch ends inside a batch, and a row may occur twice there. Positions are 31-bit: steps * batch < 2^31.
    """
    within = jnp.expand_dims(jnp.arange(batch), range(jnp.ndim(step)))
    place = jnp.asarray(step)[..., None] * batch + within
    return permute(key, place % n, place // n, n)


def permute(key: PRNGKeyArray, index: Int[Array, "*i"], epoch: Int[Array, "*i"], n: Int[Array, ""]) -> Int[Array, "*i"]:
    """The place of each `index` in [0, n) under the permutation that `key` and `epoch` name."""
    n = jnp.asarray(n, jnp.uint32)
    left_size = jnp.ceil(jnp.sqrt(n.astype(jnp.float32))).astype(jnp.uint32)
    right_size = (n + left_size - 1) // left_size
    round_keys = jax.random.bits(key, (ROUNDS,), jnp.uint32)
    epoch_keys = [_mix(epoch.astype(jnp.uint32) + round_keys[i]) for i in range(ROUNDS)]

    def once(value):
        left, right = value % left_size, value // left_size
        for i, epoch_key in enumerate(epoch_keys):
            if i % 2 == 0:
                left = (left + _mix(right ^ epoch_key) % left_size) % left_size
            else:
                right = (right + _mix(left ^ epoch_key) % right_size) % right_size
        return left + left_size * right

    # The network permutes a grid of at least n places: walk each index along its cycle until it lands inside [0, n).
    first = once(index.astype(jnp.uint32))
    walked = jax.lax.while_loop(lambda v: jnp.any(v >= n), lambda v: jnp.where(v >= n, once(v), v), first)
    return walked.astype(jnp.int32)


def _mix(x: jax.Array) -> jax.Array:
    """The 32-bit finaliser of MurmurHash3."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def draw(kind: str, key: PRNGKeyArray, steps: Int[Array, "steps"], table: Any, size: int) -> Int[Array, "steps size"]:
    """The rows that a batch of `size` takes of a table at each step.

    "epoch": every row once an epoch, shuffled. "domain": equal blocks of every domain in order, each by epoch; the size
    must divide. "class": a class at random, then a row of it, with replacement.

    Raises:
        ContractError: equal blocks do not make up the size.
    """
    if kind == "epoch":
        return rows(key, steps, table.n, size)
    groups = table.groups[kind]
    count = groups.starts.shape[0]
    if kind == "class":
        return jax.vmap(lambda step: _of_classes(jax.random.fold_in(key, step), groups, size))(steps)
    if size % count:
        raise ContractError(f"a batch of {size} rows does not divide into equal blocks of {count} domains")
    keys = jax.random.split(key, count)
    blocks = [rows(keys[d], steps, groups.counts[d], size // count) + groups.starts[d] for d in range(count)]
    return groups.rows[jnp.concatenate(blocks, -1)]


def asked(
    key: PRNGKeyArray, steps: Int[Array, "steps"], mark: Bool[Array, "rows"], size: int
) -> Int[Array, "steps size"]:
    """Rows that are marked, at random with replacement; without one, a row that is none."""
    ends = jnp.cumsum(mark, dtype=jnp.int32)

    def one(step: Int[Array, ""]) -> Int[Array, "size"]:
        place = jax.random.randint(jax.random.fold_in(key, step), (size,), 0, jnp.maximum(ends[-1], 1))
        return jnp.searchsorted(ends, place, side="right").astype(jnp.int32)

    return jax.vmap(one)(steps)


def _of_classes(key: PRNGKeyArray, groups: Any, size: int) -> Int[Array, "size"]:
    class_key, row_key = jax.random.split(key)
    chosen = jax.random.randint(class_key, (size,), 0, groups.starts.shape[0])
    place = jax.random.uniform(row_key, (size,)) * groups.counts[chosen].astype(jnp.float32)
    within = jnp.minimum(place.astype(jnp.int32), groups.counts[chosen] - 1)
    return groups.rows[groups.starts[chosen] + within]
