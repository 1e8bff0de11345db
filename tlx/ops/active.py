"""Which rows to have labelled: the uncertain, the diverse, and those that are both.

Shape vocabulary: rows N, classes C, width W; `free` [N] marks the rows that may be chosen.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tlx.ops.discrepancies import squared_distances

Free = Bool[Array, " rows"]


def no_rows(count: int) -> Free:
    """A mark of `count` rows that no row has."""
    return jnp.zeros(count, bool)


def highest(scores: Float[Array, " rows"], free: Free, count: int) -> Int[Array, " count"]:
    """The `count` free rows of the highest scores; of equal ones the first."""
    return jax.lax.top_k(jnp.where(free, scores, -jnp.inf), count)[1]


def margins(p: Float[Array, "rows classes"]) -> Float[Array, " rows"]:
    """The probability of the first class less that of the second; low where the classifier wavers.

    Scheffer, Decomain, Wrobel 2001, "Active Hidden Markov Models for Information Extraction".
    """
    first, second = jax.lax.top_k(p, 2)[0].T
    return first - second


def spread_rows(
    key: PRNGKeyArray,
    features: Float[Array, "rows width"],
    p: Float[Array, "rows classes"],
    free: Free,
    count: int,
) -> Int[Array, " count"]:
    """`count` free rows by the seeding of k-means++ on g_i = (p_i - onehot argmax p_i) (x) features_i.

    g is the gradient of the last layer if the predicted class were the true one: long where the classifier is unsure.
    The first row is that of the longest g; each next one is drawn with a chance in proportion to the squared distance
    of its g from the nearest that is chosen. |g_i - g_j|^2 comes from the two factors, so g is never made.

    Ash et al. 2020, "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds" (BADGE).
    """
    residual = p - jax.nn.one_hot(p.argmax(1), p.shape[1], dtype=p.dtype)
    lengths = jnp.sum(residual**2, 1) * jnp.sum(features**2, 1)

    def distance(row: Int[Array, ""]) -> Float[Array, " rows"]:
        inner = (residual @ residual[row]) * (features @ features[row])
        return jnp.maximum(lengths + lengths[row] - 2.0 * inner, 0.0)

    first = jnp.argmax(jnp.where(free, lengths, -1.0))

    def one(carry: tuple, key: PRNGKeyArray) -> tuple:
        nearest, left = carry
        row = jax.random.categorical(key, jnp.where(left, jnp.log(nearest + 1e-20), -jnp.inf))
        return (jnp.minimum(nearest, distance(row)), left.at[row].set(False)), row

    begun = distance(first), free.at[first].set(False)
    _, others = jax.lax.scan(one, begun, jax.random.split(key, count - 1))
    return jnp.concatenate([first[None], others]).astype(jnp.int32)


def central_rows(
    key: PRNGKeyArray,
    features: Float[Array, "rows width"],
    weights: Float[Array, " rows"],
    free: Free,
    count: int,
    iterations: int = 50,
) -> Int[Array, " count"]:
    """Of `count` clusters of the free rows, by k-means with weights, the row nearest to each centroid.

    The centroids begin as rows drawn by weight without replacement. A row is chosen once: centroids choose in turn. A
    cluster without rows keeps its centroid.

    Prabhu et al. 2021, "Active Domain Adaptation via Clustering Uncertainty-weighted Embeddings" (CLUE), whose weights
    are entropies.
    """
    mass = jnp.where(free, weights, 0.0)
    chances = jnp.where(free, jnp.log(mass + 1e-20), -jnp.inf)
    noise = jax.random.gumbel(key, chances.shape, chances.dtype)
    centroids = features[jax.lax.top_k(chances + noise, count)[1]]

    def moved(_: int, centroids: Float[Array, "count width"]) -> Float[Array, "count width"]:
        own = jax.nn.one_hot(squared_distances(features, centroids).argmin(1), count, dtype=features.dtype)
        own = own * mass[:, None]
        total = own.sum(0)[:, None]
        return jnp.where(total > 0, own.T @ features / jnp.maximum(total, 1e-20), centroids)

    distances = squared_distances(features, jax.lax.fori_loop(0, iterations, moved, centroids))

    def one(left: Free, to: Float[Array, " rows"]) -> tuple[Free, Int[Array, ""]]:
        row = jnp.argmin(jnp.where(left, to, jnp.inf))
        return left.at[row].set(False), row

    return jax.lax.scan(one, free, distances.T)[1].astype(jnp.int32)
