"""Predictions by neighbours in a memory bank."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def neighbour_probabilities(
    features: Float[Array, "batch width"],
    index: Int[Array, " batch"],
    bank: Float[Array, "rows width"],
    bank_p: Float[Array, "rows classes"],
    count: int = 5,
) -> Float[Array, "batch classes"]:
    """The mean of the probabilities that the bank holds of each row's nearest entries, its own entry left out.

    Args:
        features: [B, width] unit rows
        index: [B], each row's own place in the bank
        bank: [rows, width] unit rows; nearness is the inner product, so the cosine
        bank_p: [rows, classes]
        count: of neighbours

    Liang et al. 2021, "Domain Adaptation with Auxiliary Target Domain-Oriented Classifier" (ATDOC), equation 6.
    """
    near = features @ bank.T
    own = index[:, None] == jnp.arange(bank.shape[0])
    _, nearest = jax.lax.top_k(jnp.where(own, -jnp.inf, near), count)
    return jnp.take(bank_p, nearest, axis=0).mean(1)


def sharpened(p: Float[Array, "batch classes"]) -> Float[Array, "batch classes"]:
    """p_ic^2 / sum_i p_ic^2: certain entries count more, and every class the same over the batch. ATDOC, equation 5."""
    return p**2 / jnp.maximum((p**2).sum(0), 1e-12)
