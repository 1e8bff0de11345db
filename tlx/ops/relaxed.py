"""Alignment of two domains that leaves free how often each kind of row comes: relaxed densities, supports.

Shape vocabulary: rows n of the source, m of the target, places H of a history.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def lowest_share(values: Float[Array, " n"], beta: Float[Array, ""] | float) -> Float[Array, " n"]:
    """1 for the int(n / (1 + beta)) rows of least value, at least one, and 0 for the others; no gradient.

    A mean over these rows of the source alone asks of the densities that the target's be at most 1 + beta times the
    source's, where the plain mean asks that they be equal.

    Wu et al. 2019, "Domain Adaptation with Asymmetrically-Relaxed Distribution Alignment".
    """
    rank = jnp.argsort(jnp.argsort(values)).astype(values.dtype)
    return (rank < jnp.maximum(jnp.floor(len(values) / (1 + beta)), 1)).astype(values.dtype)


class History(NamedTuple):
    """The last values that came, the newest at the end; `there` says which places hold one."""

    value: Float[Array, " places"]
    there: Bool[Array, " places"]

    @classmethod
    def empty(cls, places: int) -> "History":
        """Without a value."""
        return cls(jnp.zeros(places), jnp.zeros(places, bool))

    def joined(self, new: Float[Array, " n"]) -> "History":
        """The history and the new values after it, [H + n]; they have a gradient."""
        return History(jnp.concatenate([self.value, new]), jnp.concatenate([self.there, jnp.ones(len(new), bool)]))

    def after(self, new: Float[Array, " n"]) -> "History":
        """The last H of both, without a gradient."""
        return History(*(jax.lax.stop_gradient(leaf)[len(new) :] for leaf in self.joined(new)))


def support_distance(source: History, target: History, squared: bool = False) -> Float[Array, ""]:
    """mean_s min_t d(s, t) + mean_t min_s d(s, t), d(a, b) = |a - b| or (a - b)^2: 0 where the supports are one.

    How many values lie at a place does not matter. Only what is `there` counts, of which each side has some. The
    nearest values are found by sorting, and held fixed for the gradient.

    Tong et al. 2022, "Adversarial Support Alignment" (the symmetric support difference).
    """
    return _one_way(source, target, squared) + _one_way(target, source, squared)


def _one_way(points: History, others: History, squared: bool) -> Float[Array, ""]:
    gaps = points.value - others.value[_nearest(points.value, others)]
    lengths = gaps**2 if squared else jnp.abs(gaps)
    return jnp.sum(jnp.where(points.there, lengths, 0.0)) / jnp.sum(points.there, dtype=lengths.dtype)


def _nearest(points: Float[Array, " n"], others: History) -> Int[Array, " n"]:
    """The place of the nearest of the others, for each point."""
    points, values = jax.lax.stop_gradient((points, jnp.where(others.there, others.value, jnp.inf)))
    order = jnp.argsort(values)
    ordered = values[order]
    right = jnp.minimum(jnp.searchsorted(ordered, points), jnp.sum(others.there, dtype=jnp.int32) - 1)
    left = jnp.maximum(right - 1, 0)
    return order[jnp.where(points - ordered[left] < ordered[right] - points, left, right)]
