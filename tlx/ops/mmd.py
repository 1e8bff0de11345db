"""Maximum mean discrepancy with Gaussian kernels.

Gretton et al. 2012, "A Kernel Two-Sample Test"; Long et al. 2015, "Learning Transferable Features with Deep Adaptation
Networks" (DAN).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SCALES = (0.125, 0.25, 0.5, 1.0, 2.0)  # 2^-3 ... 2^1


def squared_distances(x: Float[Array, "n width"], y: Float[Array, "m width"]) -> Float[Array, "n m"]:
    """d[i, j] = |x_i - y_j|^2, not below zero."""
    # from x_0 as the origin: in float32, rows close to each other and far from 0 would cancel
    origin = jax.lax.stop_gradient(x[:1])
    x, y = x - origin, y - origin
    cross = x @ y.T
    return jnp.maximum((x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2 * cross, 0)


def gaussian_kernels(
    distances: Float[Array, "*shape"], mean: Float[Array, ""], scales: Sequence[float] = SCALES
) -> Float[Array, "*shape"]:
    """The sum over scales s of exp(-d / (2 s mean)); `mean` is the bandwidth in units of squared distance.

    With mean 0 (all points equal) every kernel is 1.
    """
    safe = jnp.where(mean > 0, mean, 1.0)
    return sum((jnp.exp(-distances / (2 * scale * safe)) for scale in scales), jnp.zeros_like(distances))


def joint_distances(source: Float[Array, "n width"], target: Float[Array, "m width"]) -> Float[Array, "n+m n+m"]:
    """Squared distances between all rows of both samples, source first."""
    joint = jnp.concatenate([source, target])
    return squared_distances(joint, joint)


def quadruple_distances(source: Float[Array, "n width"], target: Float[Array, "m width"]) -> Float[Array, "4 pairs"]:
    """Squared distances s1-s2, t1-t2, s1-t2, s2-t1 of independent quadruples; rows without a partner are left out."""
    pairs = min(source.shape[0], target.shape[0]) // 2
    s1, s2 = source[: 2 * pairs : 2], source[1 : 2 * pairs : 2]
    t1, t2 = target[: 2 * pairs : 2], target[1 : 2 * pairs : 2]
    return jnp.stack([((a - b) ** 2).sum(1) for a, b in ((s1, s2), (t1, t2), (s1, t2), (s2, t1))])


def adaptive_kernels(distances: Float[Array, "*shape"], scales: Sequence[float] = SCALES) -> Float[Array, "*shape"]:
    """`gaussian_kernels` with the mean of these distances as the bandwidth, without a gradient, as TLLib takes it."""
    return gaussian_kernels(distances, jax.lax.stop_gradient(distances.mean()), scales)


def pair_contrast(kernels: Float[Array, "rows rows"], n: int, unbiased: bool = False) -> Float[Array, ""]:
    """E k(s, s') + E k(t, t') - 2 E k(s, t) from the kernels of a joint sample, whose first n rows are the source."""
    m = kernels.shape[0] - n
    within_s, within_t, across = kernels[:n, :n], kernels[n:, n:], kernels[:n, n:]
    if unbiased:
        same_s, same_t = within_s.sum() - jnp.trace(within_s), within_t.sum() - jnp.trace(within_t)
        return same_s / (n * (n - 1)) + same_t / (m * (m - 1)) - 2 * across.mean()
    return within_s.mean() + within_t.mean() - 2 * across.mean()


def quadruple_contrast(kernels: Float[Array, "4 pairs"]) -> Float[Array, ""]:
    """The mean of k(s1, s2) + k(t1, t2) - k(s1, t2) - k(s2, t1)."""
    return (kernels[0] + kernels[1] - kernels[2] - kernels[3]).mean()


def mmd_quadratic(
    source: Float[Array, "n width"],
    target: Float[Array, "m width"],
    scales: Sequence[float] = SCALES,
    unbiased: bool = False,
) -> Float[Array, ""]:
    """MMD^2 over all pairs: E k(s, s') + E k(t, t') - 2 E k(s, t).

    Biased, pairs of a point with itself count and the value is at least 0; unbiased, they do not, and it may be
    negative.

    Args:
        source: [n, width]
        target: [m, width]
        scales: the kernels' bandwidths as multiples of the mean squared distance of the joint sample
        unbiased: leave out the pairs of a point with itself; needs n, m >= 2
    """
    return pair_contrast(adaptive_kernels(joint_distances(source, target), scales), source.shape[0], unbiased)


def mmd_linear(
    source: Float[Array, "n width"], target: Float[Array, "n width"], scales: Sequence[float] = SCALES
) -> Float[Array, ""]:
    """MMD^2 over n/2 independent quadruples, in time linear in n (Gretton et al. 2012, lemma 14); it may be negative.

    (2/n) sum_i k(s_2i, s_2i+1) + k(t_2i, t_2i+1) - k(s_2i, t_2i+1) - k(s_2i+1, t_2i). An odd last row is left out.

    Args:
        source: [n, width], n >= 2
        target: [n, width]
        scales: as in `mmd_quadratic`; the mean squared distance is that of the pairs used
    """
    return quadruple_contrast(adaptive_kernels(quadruple_distances(source, target), scales))
