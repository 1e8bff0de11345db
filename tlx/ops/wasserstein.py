"""Wasserstein distances: sliced, and in their dual form by a critic."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tlx.ops.norms import row_norms


def random_directions(key: PRNGKeyArray, width: int, count: int) -> Float[Array, "width count"]:
    """Unit vectors drawn uniformly from the sphere, one a column."""
    drawn = jax.random.normal(key, (width, count))
    return drawn / jnp.linalg.norm(drawn, axis=0)


def sliced_wasserstein(
    first: Float[Array, "n width"], second: Float[Array, "n width"], directions: Float[Array, "width count"]
) -> Float[Array, ""]:
    """The mean over directions of W_2^2 between the two samples' projections: by sorting, each n points of mass 1/n.

    Args:
        first, second: [n, width]
        directions: [width, count], unit columns

    Lee et al. 2019, "Sliced Wasserstein Discrepancy for Unsupervised Domain Adaptation", equation 6.
    """
    one, two = (jnp.sort(x @ directions, axis=0) for x in (first, second))
    return jnp.mean((one - two) ** 2)


def gradient_penalty(
    critic: Callable[[Float[Array, "n width"]], Float[Array, " n"]], points: Float[Array, "n width"]
) -> Float[Array, ""]:
    """mean_i (|d critic / d x_i| - 1)^2, for a critic that maps each row by itself.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3.
    """
    slopes = jax.grad(lambda x: critic(x).sum())(points)
    return jnp.mean((row_norms(slopes) - 1) ** 2)
