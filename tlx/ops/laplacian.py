"""Predictions smoothed over a graph of neighbours."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def neighbour_affinity(features: Float[Array, "n width"], neighbours: int) -> Float[Array, "n n"]:
    """w_ij = 1 where j is one of the nearest `neighbours` of i (at most n - 1) by cosine similarity, i left out."""
    n = features.shape[0]
    unit = features / jnp.maximum(jnp.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = jnp.where(jnp.eye(n, dtype=bool), -jnp.inf, unit @ unit.T)
    _, nearest = jax.lax.top_k(similarity, min(neighbours, n - 1))
    return jnp.zeros((n, n)).at[jnp.arange(n)[:, None], nearest].set(1.0)


def laplacian_adjusted(
    log_p: Float[Array, "n classes"], affinity: Float[Array, "n n"], iterations: int = 100
) -> Float[Array, "n classes"]:
    """log z after `iterations` of z_i <- softmax(log p_i + sum_j w_ij z_j), from z = p.

    Each lowers sum_i KL(z_i || p_i) - sum_ij w_ij z_i . z_j / 2 where w is symmetric and positive semi-definite.

    Boudiaf et al. 2022, "Parameter-free Online Test-time Adaptation" (LAME), equations 4 and 8.
    """

    def one(_: int, log_z: Float[Array, "n classes"]) -> Float[Array, "n classes"]:
        return jax.nn.log_softmax(log_p + affinity @ jnp.exp(log_z))

    return jax.lax.fori_loop(0, iterations, one, jax.nn.log_softmax(log_p))
