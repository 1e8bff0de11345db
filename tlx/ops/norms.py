"""Losses on the lengths of feature vectors."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def row_norms(x: Float[Array, "*batch width"]) -> Float[Array, "*batch"]:
    """|x_i|, with gradient zero where x_i = 0."""
    squared = jnp.sum(x**2, -1)
    return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)


def stepwise_norm(features: Float[Array, "batch width"], step: Float[Array, ""] | float = 1.0) -> Float[Array, ""]:
    """mean_i (|f_i| - (|f_i|* + step))^2, * without a gradient: its value is step^2, its gradient lengthens each row.

    Xu et al. 2019, "Larger Norm More Transferable: An Adaptive Feature Norm Approach" (SAFN), equation 7.
    """
    norms = row_norms(features)
    return jnp.mean((norms - jax.lax.stop_gradient(norms + step)) ** 2)


def hard_norm(features: Float[Array, "batch width"], radius: Float[Array, ""] | float = 25.0) -> Float[Array, ""]:
    """(mean_i |f_i| - radius)^2. Xu et al. 2019 (HAFN), equation 4."""
    return (jnp.mean(row_norms(features)) - radius) ** 2
