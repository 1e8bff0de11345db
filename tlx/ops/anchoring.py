"""Parameters held near where they began; all take trees of one structure."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def weighted_distance(params: Any, origin: Any = None, weights: Any = None) -> Float[Array, ""]:
    """sum_k F_k (w_k - w_k^0)^2 over all leaves; F = 1 where no `weights` are given, w^0 = 0 without an `origin`.

    Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting in neural networks", with F the Fisher information; Li
    et al. 2018, "Explicit Inductive Bias for Transfer Learning" (L2-SP), without.
    """
    away = params if origin is None else jax.tree.map(jnp.subtract, params, origin)
    gaps = jax.tree.map(jnp.square, away)
    weighed = gaps if weights is None else jax.tree.map(jnp.multiply, gaps, weights)
    return sum((leaf.sum() for leaf in jax.tree.leaves(weighed)), jnp.zeros(()))


def restored(key: PRNGKeyArray, params: Any, origin: Any, probability: float | Float[Array, ""]) -> Any:
    """Each number of `params` is the one of `origin` with this probability. Wang et al. 2022 (CoTTA), equation 8."""
    leaves, treedef = jax.tree.flatten(params)
    keys = treedef.unflatten(list(jax.random.split(key, len(leaves))))

    def one(key, now, then):
        return jnp.where(jax.random.bernoulli(key, probability, now.shape), then, now)

    return jax.tree.map(one, keys, params, origin)
