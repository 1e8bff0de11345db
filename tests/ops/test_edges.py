"""Where losses on two samples break first: two rows, equal samples, single precision, no difference but noise."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.stats import multivariate_normal

from tlx import ops

full_gaussian_kl, mmd_linear = jax.jit(ops.full_gaussian_kl), jax.jit(ops.mmd_linear)


def moments_kl(source, target):
    (mean_s, variance_s), (mean_t, variance_t) = map(ops.mean_and_variance, (source, target))
    return ops.gaussian_kl(mean_s, variance_s + 0.01, mean_t, variance_t + 0.01)


def full_kl(source, target):
    ridge = 0.01 * jnp.eye(source.shape[1], dtype=source.dtype)
    covariances = ops.covariance(source) + ridge, ops.covariance(target) + ridge
    return ops.full_gaussian_kl(source.mean(0), covariances[0], target.mean(0), covariances[1])


def minibatch_kl(source, target):
    """Of mixtures with samples at their own means."""
    return ops.mixture_kl(source, source, jnp.ones_like(source), target, jnp.ones_like(target))


def consistency(student, teacher):
    return ops.squared_consistency(student, teacher).mean()


def divergence(student, teacher):
    return ops.kl_consistency(student, teacher).mean()


ZERO_AT_LEAST = {  # of a pair of samples: zero at equals, and nowhere below; so the gradient is zero there
    "mmd_quadratic": ops.mmd_quadratic,
    "mean_distance": ops.mean_distance,
    "coral": ops.coral,
    "coral_means": functools.partial(ops.coral, means=True),
    "gaussian_kl": moments_kl,
    "full_gaussian_kl": full_kl,
    "squared_consistency": consistency,
    "kl_consistency": divergence,
}
SIGNED = {  # estimates that may be negative, or whose zero is no minimum or has a kink
    "central_moment_discrepancy": ops.central_moment_discrepancy,
    "mmd_unbiased": functools.partial(ops.mmd_quadratic, unbiased=True),
    "mmd_linear": ops.mmd_linear,
    "mixture_kl": minibatch_kl,
    "hard_norm": lambda source, target: ops.hard_norm(source) + ops.hard_norm(target),
    "classifier_discrepancy": ops.classifier_discrepancy,
}
ALL = ZERO_AT_LEAST | SIGNED
PROGRAMS = {name: jax.jit(jax.value_and_grad(loss, argnums=(0, 1))) for name, loss in ALL.items()}


def pair(seed: int, n: int = 2, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    source, target = np.random.default_rng(seed).normal(size=(2, n, width))
    return source, 0.5 + 2 * target


@pytest.mark.parametrize("name", ALL)
def test_two_rows_in_single_precision(name):
    """The traps: a division by n - 1 or n / 2 - 1; a float64 constant that makes the loss float64."""
    value, gradients = PROGRAMS[name](*(jnp.float32(sample) for sample in pair(0)))
    assert value.dtype == jnp.float32 and np.isfinite(value)
    for gradient in gradients:
        assert gradient.dtype == jnp.float32 and np.isfinite(gradient).all() and np.any(gradient)


@pytest.mark.parametrize("name", ZERO_AT_LEAST)
@given(st.integers(0, 2**32 - 1))
def test_equal_samples_are_the_minimum(name, seed):
    """The trap: sqrt(0) or 0 / 0 inside, whose gradient is NaN although the value is 0."""
    source, target = pair(seed)
    assert PROGRAMS[name](source, target)[0] > 0
    value, gradients = PROGRAMS[name](source, source)
    assert value == pytest.approx(0, abs=1e-10)
    for gradient in gradients:
        np.testing.assert_allclose(gradient, 0, atol=1e-8)


@pytest.mark.parametrize("name", SIGNED)
def test_equal_samples_have_finite_gradients(name):
    source, _ = pair(0)
    value, gradients = PROGRAMS[name](source, source)
    assert np.isfinite(value) and all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"mmd_quadratic", "mmd_unbiased", "mmd_linear"}))
def test_gradient_of_two_rows_is_numeric(name):
    """Those of MMD hold the bandwidth fixed: see the next test and test_mmd."""
    check_grads(jax.jit(ALL[name]), pair(1), order=1, modes=["rev"])


@pytest.mark.parametrize("n", [2, 6])
def test_gradient_of_linear_mmd_holds_the_bandwidth_fixed(n):
    source, target = pair(1, n)

    def gaps(source):
        quadruple = source[::2], source[1::2], target[::2], target[1::2]
        s1, s2, t1, t2 = map(jnp.asarray, quadruple)
        return jnp.stack([jnp.sum((a - b) ** 2, 1) for a, b in ((s1, s2), (t1, t2), (s1, t2), (s2, t1))])

    mean = float(gaps(source).mean())

    def fixed(source):
        kernels = sum(jnp.exp(-gaps(source) / (2 * 2.0**k * mean)) for k in range(-3, 2))
        return jnp.mean(jnp.array([1.0, 1.0, -1.0, -1.0]) @ kernels)

    fixed = jax.jit(fixed)
    check_grads(fixed, (source,), order=1, modes=["rev"])
    np.testing.assert_allclose(jax.grad(mmd_linear)(source, target), jax.grad(fixed)(source))


def test_linear_mmd_leaves_out_what_has_no_partner():
    """The trap: sources and targets of different length, where n/2 quadruples are those of the shorter."""
    source, target = pair(2, 7)
    assert mmd_linear(source[:5], target) == pytest.approx(float(mmd_linear(source[:4], target[:4])))


@pytest.mark.parametrize(
    ("name", "mean_is_zero"), [("mmd_unbiased", True), ("mmd_linear", True), ("mmd_quadratic", False)]
)
def test_what_is_left_where_there_is_no_shift(name, mean_is_zero):
    """The unbiased estimates are 0 on average over draws of one distribution; the biased one, 0.69 here, never is.

    The bandwidth of the joint sample does not tell source from target, so the mean is exactly 0. Measured on four sets
    of draws: at most 2.2 standard errors away, and the biased estimate more than 100.
    """
    draws = np.random.default_rng(0).normal(size=(2, 2000, 8, 3))
    values = np.asarray(jax.jit(jax.vmap(ALL[name]))(*draws))
    error = values.std() / np.sqrt(len(values))
    assert (abs(values.mean()) < 4 * error) == mean_is_zero
    assert (values.min() < 0) == mean_is_zero


@pytest.mark.parametrize("seed", range(3))
def test_full_gaussian_kl_is_scipys_densities_integrated(seed):
    """log p - log q is quadratic, so its mean over p is exact at mean +- sqrt(width) times each column of a root."""
    random = np.random.default_rng(seed)
    mean_p, mean_q = random.normal(size=(2, 3))
    roots = random.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    cov_p, cov_q = roots @ roots.transpose(0, 2, 1)
    away = np.sqrt(3) * np.linalg.cholesky(cov_p).T
    points = np.concatenate([mean_p + away, mean_p - away])
    ratios = multivariate_normal(mean_p, cov_p).logpdf(points) - multivariate_normal(mean_q, cov_q).logpdf(points)
    assert full_gaussian_kl(mean_p, cov_p, mean_q, cov_q) == pytest.approx(ratios.mean())
