"""Correlation alignment."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.moments import covariance


def coral(source: Float[Array, "n width"], target: Float[Array, "m width"]) -> Float[Array, ""]:
    """|C_s - C_t|_F^2 / (4 width^2), C the covariance of each sample (n, m >= 2).

    Sun and Saenko 2016, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation".
    """
    gap = covariance(source) - covariance(target)
    return jnp.sum(gap**2) / (4 * source.shape[1] ** 2)
