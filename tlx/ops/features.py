"""Features of one batch: the lengths of its rows, and losses on these and on its singular values."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def row_norms(x: Float[Array, "*batch width"]) -> Float[Array, "*batch"]:
    """|x_i|, with gradient zero where x_i = 0."""
    squared = jnp.sum(x**2, -1)
    return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)


def unit_rows(x: Float[Array, "batch width"]) -> Float[Array, "batch width"]:
    """x_i / |x_i|; a row that is 0 stays 0."""
    return x / jnp.maximum(row_norms(x), 1e-8)[:, None]


def unit_columns(x: Float[Array, "width columns"]) -> Float[Array, "width columns"]:
    """`unit_rows` of the transpose, transposed: class prototypes of length 1."""
    return unit_rows(x.T).T


def stepwise_norm(features: Float[Array, "batch width"], step: Float[Array, ""] | float = 1.0) -> Float[Array, ""]:
    """mean_i (|f_i| - (|f_i|* + step))^2, * without a gradient: its value is step^2, its gradient lengthens each row.

    Xu et al. 2019, "Larger Norm More Transferable: An Adaptive Feature Norm Approach" (SAFN), equation 7.
    """
    norms = row_norms(features)
    return jnp.mean((norms - jax.lax.stop_gradient(norms + step)) ** 2)


def hard_norm(features: Float[Array, "batch width"], radius: Float[Array, ""] | float = 25.0) -> Float[Array, ""]:
    """(mean_i |f_i| - radius)^2. Xu et al. 2019 (HAFN), equation 4."""
    return (jnp.mean(row_norms(features)) - radius) ** 2


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
