"""Means and covariances of a sample."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def covariance(x: Float[Array, "n width"]) -> Float[Array, "width width"]:
    """(x - mean)^T (x - mean) / (n - 1), for n >= 2."""
    centred = x - x.mean(0)
    return centred.T @ centred / (x.shape[0] - 1)


def mean_and_variance(x: Float[Array, "n width"]) -> tuple[Float[Array, " width"], Float[Array, " width"]]:
    """The mean and the biased variance of each feature."""
    return x.mean(0), jnp.var(x, 0)
