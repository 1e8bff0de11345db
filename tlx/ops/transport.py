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


def unbalanced_sinkhorn(
    cost: Float[Array, "n m"],
    log_rows: Float[Array, " n"],
    log_columns: Float[Array, " m"],
    regularisation: Float[Array, ""] | float = 0.01,
    marginal: Float[Array, ""] | float = 0.5,
    iterations: int = 100,
) -> tuple[Float[Array, " n"], Float[Array, " m"]]:
    """The log scalings (f, g) of the plan P_ij = exp(f_i + g_j - C_ij / eps), whose sums need not be the given ones.

    P minimises <P, C> + eps sum P (log P - 1) + tau KL(P 1 || a) + tau KL(P^T 1 || b), without a gradient: with
    kappa = tau / (tau + eps), g_j = kappa (log b_j - log sum_i exp(f_i - C_ij / eps)), f likewise, f last.

    Args:
        cost: [n, m]
        log_rows: [n], log a; -inf for a row that takes no part
        log_columns: [m], log b
        regularisation: eps
        marginal: tau

    Chizat et al. 2018, "Scaling Algorithms for Unbalanced Optimal Transport Problems".
    """
    scaled = jax.lax.stop_gradient(cost) / regularisation
    power = marginal / (marginal + regularisation)

    def rows(g: Float[Array, " m"]) -> Float[Array, " n"]:
        return power * (log_rows - jax.nn.logsumexp(g[None] - scaled, axis=1))

    def once(_: int, g: Float[Array, " m"]) -> Float[Array, " m"]:
        return power * (log_columns - jax.nn.logsumexp(rows(g)[:, None] - scaled, axis=0))

    g = jax.lax.fori_loop(0, iterations, once, jnp.zeros(cost.shape[1], cost.dtype))
    return rows(g), g


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


def even_assignment(
    logits: Float[Array, "rows classes"], epsilon: float = 0.05, iterations: int = 3
) -> Float[Array, "rows classes"]:
    """q: each row's shares of the classes, such that all classes get as much, without a gradient (Sinkhorn-Knopp).

    q = rows * the plan of `sinkhorn` at the cost -logits and a regularisation of `epsilon`. The rows of q sum to one
    exactly, its columns to rows / classes up to what convergence leaves.

    Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments" (SwAV); Fini et al.
    2021, "A Unified Objective for Novel Class Discovery" (UNO).
    """
    size = jnp.maximum(jnp.abs(logits).mean(), 1e-8)
    return sinkhorn(-logits.T, epsilon / size, iterations).T * logits.shape[0]
