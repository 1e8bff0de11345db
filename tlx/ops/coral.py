"""Correlation alignment."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.moments import covariance


def coral(source: Float[Array, "n width"], target: Float[Array, "m width"], means: bool = False) -> Float[Array, ""]:
    """|C_s - C_t|_F^2 / (4 width^2), C the covariance of each sample.

    Args:
        source: [n, width], n >= 2
        target: [m, width], m >= 2
        means: add |m_s - m_t|^2 / width, m the mean of each sample (TLLib does; the paper does not)

    Sun and Saenko 2016, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation".
    """
    gap = covariance(source) - covariance(target)
    loss = jnp.sum(gap**2) / (4 * source.shape[1] ** 2)
    return loss + jnp.mean((source.mean(0) - target.mean(0)) ** 2) if means else loss
