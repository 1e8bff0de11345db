"""Losses on the singular values of a batch."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def nuclear_norm(matrix: Float[Array, "batch columns"]) -> Float[Array, ""]:
    """|A|_*, the sum of the singular values: of class probabilities, large where rows are certain and diverse.

    Cui et al. 2020, "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization", equation 7.
    """
    return jnp.linalg.svd(matrix, compute_uv=False).sum()


def spectral_penalty(features: Float[Array, "batch width"], count: int = 1) -> Float[Array, ""]:
    """sum_{i <= count} sigma_i^2, the squares of the largest singular values.

    Chen et al. 2019, "Transferability vs. Discriminability: Batch Spectral Penalization", equation 5.
    """
    return (jnp.linalg.svd(features, compute_uv=False)[:count] ** 2).sum()


def spectral_shrinkage(features: Float[Array, "batch width"], count: int = 1) -> Float[Array, ""]:
    """sum_{i <= count} sigma_{-i}^2, the squares of the smallest singular values.

    Chen et al. 2019, "Catastrophic Forgetting Meets Negative Transfer: Batch Spectral Shrinkage", equation 4.
    """
    return (jnp.linalg.svd(features, compute_uv=False)[-count:] ** 2).sum()
