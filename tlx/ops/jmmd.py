"""Joint maximum mean discrepancy: MMD of features and predictions together, by the product of their kernels."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.mmd import (
    SCALES,
    adaptive_kernels,
    joint_distances,
    pair_contrast,
    quadruple_contrast,
    quadruple_distances,
)

SIGMA = 0.92


def jmmd_quadratic(
    source: Float[Array, "n width"],
    target: Float[Array, "m width"],
    source_p: Float[Array, "n classes"],
    target_p: Float[Array, "m classes"],
    scales: Sequence[float] = SCALES,
    sigma: Float[Array, ""] | float = SIGMA,
) -> Float[Array, ""]:
    """MMD^2 over all pairs, biased, with the kernel k(f, f') exp(-|p - p'|^2 / (2 sigma^2)); at least 0.

    Args:
        source, target: [n, width], [m, width] features; k as in `mmd_quadratic`
        source_p, target_p: [n, classes], [m, classes] class probabilities
        scales: of k's bandwidths
        sigma: the bandwidth on probabilities

    Long et al. 2017, "Deep Transfer Learning with Joint Adaptation Networks", equation 9; sigma as in TLLib.
    """
    kernels = adaptive_kernels(joint_distances(source, target), scales)
    kernels = kernels * _fixed_kernels(joint_distances(source_p, target_p), sigma)
    return pair_contrast(kernels, source.shape[0])


def jmmd_linear(
    source: Float[Array, "n width"],
    target: Float[Array, "n width"],
    source_p: Float[Array, "n classes"],
    target_p: Float[Array, "n classes"],
    scales: Sequence[float] = SCALES,
    sigma: Float[Array, ""] | float = SIGMA,
) -> Float[Array, ""]:
    """The same over n/2 independent quadruples, as `mmd_linear`; it may be negative. Long et al. 2017, equation 10."""
    kernels = adaptive_kernels(quadruple_distances(source, target), scales)
    return quadruple_contrast(kernels * _fixed_kernels(quadruple_distances(source_p, target_p), sigma))


def _fixed_kernels(distances: Float[Array, "*shape"], sigma: Float[Array, ""] | float) -> Float[Array, "*shape"]:
    return jnp.exp(-distances / (2 * sigma**2))
