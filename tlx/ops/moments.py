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


def mean_distance(source: Float[Array, "n width"], target: Float[Array, "m width"]) -> Float[Array, ""]:
    """|mean(source) - mean(target)|^2, the MMD^2 of a linear kernel. Tzeng et al. 2014, equation 2."""
    return jnp.sum((source.mean(0) - target.mean(0)) ** 2)
