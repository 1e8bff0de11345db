"""KL divergences against numerical integration, scipy's densities, NumPy's linear algebra and loops."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.integrate import quad
from scipy.stats import norm, ortho_group

from tlx import ops

full_gaussian_kl, gaussian_kl, log_mixture, log_normal, mixture_kl = map(
    jax.jit, (ops.full_gaussian_kl, ops.gaussian_kl, ops.log_mixture, ops.log_normal, ops.mixture_kl)
)


def gaussians(seed: int, width: int = 3) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    mean_p, mean_q = random.normal(size=(2, width))
    variance_p, variance_q = random.uniform(0.2, 3, (2, width))
    return mean_p, variance_p, mean_q, variance_q


def mixtures(seed: int, n: int = 5, m: int = 4, width: int = 2) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    means_p, means_q = random.normal(size=(n, width)), 1 + random.normal(size=(m, width))
    stds_p, stds_q = random.uniform(0.3, 2, (n, width)), random.uniform(0.3, 2, (m, width))
    return means_p + stds_p * random.normal(size=(n, width)), means_p, stds_p, means_q, stds_q


def density(z: np.ndarray, means: np.ndarray, stds: np.ndarray) -> float:
    parts = [np.prod(norm.pdf(z, mean, std)) for mean, std in zip(means, stds, strict=True)]
    return sum(parts) / len(parts)


@pytest.mark.parametrize("seed", range(3))
def test_diagonal_is_the_integral(seed):
    mean_p, variance_p, mean_q, variance_q = gaussians(seed)
    expected = 0.0
    for i in range(3):
        p, q = (mean_p[i], variance_p[i] ** 0.5), (mean_q[i], variance_q[i] ** 0.5)

        def integrand(z, p=p, q=q):
            return norm.pdf(z, *p) * (norm.logpdf(z, *p) - norm.logpdf(z, *q))

        expected += quad(integrand, p[0] - 12 * p[1], p[0] + 12 * p[1])[0]
    assert gaussian_kl(mean_p, variance_p, mean_q, variance_q) == pytest.approx(expected)


def test_diagonal_is_directed():
    """The trap: KL(p || q) and KL(q || p) swapped. N(0, 1) from N(0, 4): log 2 + 1/8 - 1/2."""
    one, four, zero = np.ones(1), np.full(1, 4.0), np.zeros(1)
    assert gaussian_kl(zero, one, zero, four) == pytest.approx(np.log(2) + 1 / 8 - 1 / 2)
    assert gaussian_kl(zero, four, zero, one) == pytest.approx(-np.log(2) + 2 - 1 / 2)


def test_full_is_that_of_numpy_linear_algebra():
    random = np.random.default_rng(0)
    mean_p, mean_q = random.normal(size=(2, 3))
    roots = random.normal(size=(2, 3, 3))
    cov_p, cov_q = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(3)
    inverse, gap = np.linalg.inv(cov_q), mean_q - mean_p
    logdet = np.linalg.slogdet(cov_q)[1] - np.linalg.slogdet(cov_p)[1]
    expected = (np.trace(inverse @ cov_p) + gap @ inverse @ gap - 3 + logdet) / 2
    assert full_gaussian_kl(mean_p, cov_p, mean_q, cov_q) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1))
def test_full_is_the_diagonal_one_turned(seed):
    """KL does not change when both Gaussians are rotated together; it is zero on equals and never below."""
    mean_p, variance_p, mean_q, variance_q = gaussians(seed)
    turn = ortho_group.rvs(3, random_state=np.random.default_rng(seed))
    turned = [turn @ mean_p, turn * variance_p @ turn.T, turn @ mean_q, turn * variance_q @ turn.T]
    value = gaussian_kl(mean_p, variance_p, mean_q, variance_q)
    assert value >= 0
    assert full_gaussian_kl(*turned) == pytest.approx(value)
    assert gaussian_kl(mean_p, variance_p, mean_p, variance_p) == pytest.approx(0, abs=1e-12)


def test_log_normal_is_scipys():
    z, mean, std, *_ = mixtures(0)
    np.testing.assert_allclose(log_normal(z, mean, std), norm.logpdf(z, mean, std).sum(1))


@pytest.mark.parametrize("seed", range(3))
def test_mixture_is_a_loop_over_components(seed):
    z, means_p, stds_p, means_q, stds_q = mixtures(seed)
    ratios = [np.log(density(row, means_p, stds_p) / density(row, means_q, stds_q)) for row in z]
    assert mixture_kl(z, means_p, stds_p, means_q, stds_q) == pytest.approx(np.mean(ratios))


def test_mixture_of_equal_components_is_near_the_closed_form():
    """Of one Gaussian each, the estimate by samples must come near KL(p || q) in closed form."""
    n, (mean_p, variance_p, mean_q, variance_q) = 1000, gaussians(3, width=2)
    means_p, stds_p, means_q, stds_q = (
        np.tile(row, (n, 1)) for row in (mean_p, variance_p**0.5, mean_q, variance_q**0.5)
    )
    z = means_p + stds_p * np.random.default_rng(0).normal(size=means_p.shape)
    expected = gaussian_kl(mean_p, variance_p, mean_q, variance_q)
    assert mixture_kl(z, means_p, stds_p, means_q[:3], stds_q[:3]) == pytest.approx(float(expected), rel=0.1)


@given(st.integers(0, 2**32 - 1))
def test_mixture_is_zero_on_equals_and_blind_to_order(seed):
    z, means_p, stds_p, means_q, stds_q = mixtures(seed)
    assert mixture_kl(z, means_p, stds_p, means_p[::-1], stds_p[::-1]) == pytest.approx(0, abs=1e-12)
    value = mixture_kl(z, means_p, stds_p, means_q, stds_q)
    assert mixture_kl(z, means_p, stds_p, means_q[::-1], stds_q[::-1]) == pytest.approx(value)


def test_far_mixtures_stay_finite():
    """The trap: a density that underflows to 0, whose log is -inf."""
    z, means_p, stds_p, means_q, stds_q = (part.astype(np.float32) for part in mixtures(0))
    value, gradient = jax.jit(jax.value_and_grad(mixture_kl))(z + 1e3, means_p + 1e3, stds_p, means_q, stds_q)
    assert np.isfinite(value) and np.isfinite(gradient).all() and value > 1e4
    assert np.isfinite(log_mixture(z + 1e3, means_q, stds_q)).all()


def test_gradients_are_numeric():
    check_grads(gaussian_kl, gaussians(0), order=1, modes=["rev"])
    check_grads(mixture_kl, mixtures(0), order=1, modes=["rev"])
    mean_p, variance_p, mean_q, variance_q = gaussians(1)
    cov_p, cov_q = np.diag(variance_p), np.diag(variance_q)

    def full(mean_p, mean_q, scale):
        return full_gaussian_kl(mean_p, scale * cov_p, mean_q, cov_q / scale)

    check_grads(full, (mean_p, mean_q, 1.5), order=1, modes=["rev"])
