"""Kullback-Leibler divergences between Gaussians, and between mixtures of them by samples."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def gaussian_kl(
    mean_p: Float[Array, " width"],
    variance_p: Float[Array, " width"],
    mean_q: Float[Array, " width"],
    variance_q: Float[Array, " width"],
) -> Float[Array, ""]:
    """KL(p || q) of diagonal Gaussians, in nats: 1/2 sum log(v_q / v_p) + (v_p + (m_p - m_q)^2) / v_q - 1.

    Args:
        mean_p, variance_p, mean_q, variance_q: [width] each; variances above 0
    """
    gap = (variance_p + (mean_p - mean_q) ** 2) / variance_q
    return 0.5 * jnp.sum(jnp.log(variance_q) - jnp.log(variance_p) + gap - 1)


def full_gaussian_kl(
    mean_p: Float[Array, " width"],
    covariance_p: Float[Array, "width width"],
    mean_q: Float[Array, " width"],
    covariance_q: Float[Array, "width width"],
) -> Float[Array, ""]:
    """KL(p || q) of Gaussians: 1/2 (tr(C_q^-1 C_p) + g^T C_q^-1 g - width + log det C_q / det C_p), g = m_q - m_p.

    Covariances must be positive definite: add a small multiple of the identity to those of a small sample.
    """
    factor = jnp.linalg.cholesky(covariance_q)
    trace = jnp.trace(jax.scipy.linalg.cho_solve((factor, True), covariance_p))
    gap = jax.scipy.linalg.solve_triangular(factor, mean_q - mean_p, lower=True)
    logdet_p = 2 * jnp.log(jnp.diagonal(jnp.linalg.cholesky(covariance_p))).sum()
    logdet_q = 2 * jnp.log(jnp.diagonal(factor)).sum()
    return 0.5 * (trace + gap @ gap - mean_p.shape[0] + logdet_q - logdet_p)


def log_normal(
    z: Float[Array, "*#n width"], mean: Float[Array, "*#n width"], std: Float[Array, "*#n width"]
) -> Float[Array, "*#n"]:
    """log N(z; mean, diag std^2), summed over the last axis; the arguments broadcast."""
    return jnp.sum(-0.5 * ((z - mean) / std) ** 2 - jnp.log(std) - 0.5 * jnp.log(2 * jnp.pi), -1)


def log_mixture(
    z: Float[Array, "n width"], means: Float[Array, "m width"], stds: Float[Array, "m width"]
) -> Float[Array, " n"]:
    """log (1/m) sum_j N(z_i; mean_j, diag std_j^2): the density that a minibatch of m encodings stands for."""
    each = log_normal(z[:, None], means[None], stds[None])
    return jax.nn.logsumexp(each, axis=1) - jnp.log(means.shape[0])


def mixture_kl(
    z: Float[Array, "n width"],
    means_p: Float[Array, "n width"],
    stds_p: Float[Array, "n width"],
    means_q: Float[Array, "m width"],
    stds_q: Float[Array, "m width"],
) -> Float[Array, ""]:
    """KL(p || q) of two minibatch mixtures by samples z_i of p: the mean of log p(z_i) - log q(z_i).

    Args:
        z: [n, width], z_i drawn from component i of p
        means_p, stds_p: [n, width]
        means_q, stds_q: [m, width]

    Nguyen et al. 2022, "KL Guided Domain Adaptation", equation 9.
    """
    return jnp.mean(log_mixture(z, means_p, stds_p) - log_mixture(z, means_q, stds_q))
