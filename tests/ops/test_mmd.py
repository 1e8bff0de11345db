"""MMD against NumPy loops, scikit-learn's kernels, and its closed form on two points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from tlx import ops

squared_distances = jax.jit(ops.squared_distances)
mmd_linear = jax.jit(ops.mmd_linear)
mmd_quadratic = jax.jit(ops.mmd_quadratic, static_argnames="unbiased")
gaussian_kernels = jax.jit(ops.gaussian_kernels)
SCALES = [2.0**k for k in range(-3, 2)]
seeds = st.integers(0, 2**32 - 1)


def pair(seed: int, n: int = 6, m: int = 5, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), 0.5 + 2 * random.normal(size=(m, width))


def mean_distance(source: np.ndarray, target: np.ndarray) -> float:
    return (euclidean_distances(np.concatenate([source, target])) ** 2).mean()


def by_sklearn(source, target, unbiased: bool, mean: float | None = None) -> float:
    mean = mean_distance(source, target) if mean is None else mean
    total = 0.0
    for scale in SCALES:
        gamma = 1 / (2 * scale * mean)
        within_s, within_t = rbf_kernel(source, gamma=gamma), rbf_kernel(target, gamma=gamma)
        n, m = len(source), len(target)
        if unbiased:
            total += (within_s.sum() - n) / (n * (n - 1)) + (within_t.sum() - m) / (m * (m - 1))
        else:
            total += within_s.mean() + within_t.mean()
        total -= 2 * rbf_kernel(source, target, gamma=gamma).mean()
    return total


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_quadratic_is_that_of_sklearn_kernels(seed, unbiased):
    source, target = pair(seed)
    assert mmd_quadratic(source, target, unbiased=unbiased) == pytest.approx(by_sklearn(source, target, unbiased))


@pytest.mark.parametrize("n", [2, 6, 7])
def test_linear_is_a_loop_over_quadruples(n):
    source, target = pair(n, n, n)
    quadruples = [(source[i], source[i + 1], target[i], target[i + 1]) for i in range(0, n - 1, 2)]
    pairs = [((a, b), (c, d), (a, d), (b, c)) for a, b, c, d in quadruples]
    mean = np.mean([np.sum((x - y) ** 2) for four in pairs for x, y in four])
    total = 0.0
    for four in pairs:
        for sign, (x, y) in zip((1, 1, -1, -1), four, strict=True):
            total += sign * sum(np.exp(-np.sum((x - y) ** 2) / (2 * scale * mean)) for scale in SCALES)
    assert mmd_linear(source, target) == pytest.approx(total / len(pairs))


@pytest.mark.parametrize("distance", [1e-3, 1.0, 1e3])
def test_of_two_points_in_closed_form(distance):
    """The mean over the four pairs is d/2, so each kernel is exp(-1 / scale) whatever the distance."""
    expected = sum(2 - 2 * np.exp(-1 / scale) for scale in SCALES)
    assert mmd_quadratic(np.zeros((1, 1)), np.full((1, 1), distance)) == pytest.approx(expected)


def test_gradient_holds_the_bandwidth_fixed():
    """The trap: a bandwidth that moves with the features can be grown, which shrinks the loss without aligning."""
    source, target = pair(0)
    mean = mean_distance(source, target)

    def fixed(flat):
        return by_sklearn(flat.reshape(source.shape), target, False, mean)

    numeric = np.reshape(np.asarray(approx_fprime(source.ravel(), fixed, 1e-7)), source.shape)
    np.testing.assert_allclose(jax.jit(jax.grad(ops.mmd_quadratic))(source, target), numeric, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_quadratic_is_symmetric_and_blind_to_order_place_and_unit(seed):
    source, target = pair(seed)
    order = np.random.default_rng(seed).permutation(len(source))
    value = mmd_quadratic(source, target)
    assert value > 0
    assert mmd_quadratic(target, source) == pytest.approx(value)
    assert mmd_quadratic(source[order], target) == pytest.approx(value)
    assert mmd_quadratic(100 * source + 7, 100 * target + 7) == pytest.approx(value)
    assert mmd_quadratic(source, source[order]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("estimator", [mmd_quadratic, mmd_linear])
def test_equal_samples_give_zero_and_finite_gradients(estimator):
    source, _ = pair(0)
    value, gradient = jax.jit(jax.value_and_grad(estimator))(source, source)
    if estimator is mmd_quadratic:
        assert value == pytest.approx(0, abs=1e-12)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("place", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("estimator", [mmd_quadratic, mmd_linear])
def test_collapsed_features_give_zero_and_no_gradient(estimator, place):
    """The trap: with all rows equal the bandwidth is rounding noise, and 1 / bandwidth blows the gradient up."""
    row = jnp.asarray(place * np.random.default_rng(0).normal(size=64), jnp.float32)
    rows = jnp.tile(row, (16, 1))
    value, gradient = jax.jit(jax.value_and_grad(estimator))(rows, rows)
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("place", [1.0, 10.0, 100.0])
def test_single_precision_holds_far_from_the_origin(place):
    """The trap: |x|^2 + |y|^2 - 2xy cancels in float32 when rows are close to each other and far from 0."""
    random = np.random.default_rng(0)
    row = place * random.normal(size=64)
    source, target = (jnp.asarray(row + 1e-3 * random.normal(size=(16, 64)), jnp.float32) for _ in range(2))
    expected = by_sklearn(np.float64(source), np.float64(target), False)
    assert mmd_quadratic(source, target) == pytest.approx(expected, rel=1e-3)


def test_distances_are_those_of_sklearn():
    source, target = pair(0)
    np.testing.assert_allclose(squared_distances(source, target), euclidean_distances(source, target) ** 2)
    assert np.min(squared_distances(source, source)) >= 0


def test_kernels_at_bandwidth_zero_are_one():
    np.testing.assert_array_equal(gaussian_kernels(jnp.zeros(3), jnp.float64(0)), np.full(3, 5.0))
