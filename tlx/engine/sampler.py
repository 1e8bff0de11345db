"""Shuffled epochs without a stored permutation: the rows of any step are a pure function of key and step.

A generalised Feistel network (Black and Rogaway 2002, "Ciphers with arbitrary finite domains") permutes 0..n-1 with
a new permutation every epoch; `n` may be traced, so data sets of different size share one compiled program, a run
resumes from its step number, and a host that streams the data draws the same rows.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

ROUNDS = 6


@partial(jax.jit, static_argnames="batch", inline=True)  # a program that draws from several tables traces it once
def rows(key: PRNGKeyArray, step: Int[Array, "*steps"], n: Int[Array, ""], batch: int) -> Int[Array, "*steps batch"]:
    """The rows that a batch takes at a step, or at each of several steps: every row once an epoch, in shuffled order.

    Position q = step * batch + j lies in epoch q // n; its row is the epoch's permutation of q % n. With n < batch an
    epoch ends inside a batch, and a row may occur twice there. Positions are 31-bit: steps * batch < 2^31.
    """
    place = jnp.asarray(step)[..., None] * batch + jnp.arange(batch)
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
