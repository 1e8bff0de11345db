"""Optimal transport between two samples."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def sinkhorn(
    cost: Float[Array, "n m"], regularisation: Float[Array, ""] | float = 0.02, iterations: int = 100
) -> Float[Array, "n m"]:
    """The plan P that minimises <P, C> + eps sum P log P with row sums 1/n and column sums 1/m, without a gradient.

    In the log domain: f = -eps log mean_j exp((g_j - C_ij) / eps), then g likewise, `iterations` times;
    P_ij = exp((f_i + g_j - C_ij) / eps) / (n m). Columns sum exactly; rows up to what convergence leaves.

    Args:
        cost: [n, m]
        regularisation: eps as a multiple of the mean |cost|; the smaller, the nearer to the exact plan, and the slower

    Cuturi 2013, "Sinkhorn Distances"; Peyre and Cuturi 2019, "Computational Optimal Transport", section 4.4.
    """
    n, m = cost.shape
    cost = jax.lax.stop_gradient(cost)
    eps = jnp.maximum(regularisation * jnp.abs(cost).mean(), 1e-12)
    scaled = cost / eps

    def once(_: int, g: Float[Array, " m"]) -> Float[Array, " m"]:
        return _potential(scaled.T, _potential(scaled, g))

    g = jax.lax.fori_loop(0, iterations - 1, once, jnp.zeros(m, cost.dtype))
    f = _potential(scaled, g)
    return jnp.exp(f[:, None] + _potential(scaled.T, f)[None] - scaled) / (n * m)


def _potential(scaled: Float[Array, "n m"], other: Float[Array, " m"]) -> Float[Array, " n"]:
    return jnp.log(scaled.shape[1]) - jax.nn.logsumexp(other[None] - scaled, axis=1)


def random_directions(key: PRNGKeyArray, width: int, count: int) -> Float[Array, "width count"]:
    """Unit vectors drawn uniformly from the sphere, one a column."""
    drawn = jax.random.normal(key, (width, count))
    return drawn / jnp.linalg.norm(drawn, axis=0, keepdims=True)


def sliced_wasserstein(
    first: Float[Array, "n width"], second: Float[Array, "n width"], directions: Float[Array, "width count"]
) -> Float[Array, ""]:
    """The mean over directions of W_2^2 between the two samples' projections: by sorting, each n points of mass 1/n.

    Args:
        first, second: [n, width]
        directions: [width, count], unit columns

    Lee et al. 2019, "Sliced Wasserstein Discrepancy for Unsupervised Domain Adaptation", equation 6.
    """
    one, two = (jnp.sort((x @ directions).T, axis=1) for x in (first, second))
    return jnp.mean((one - two) ** 2)
