"""JMMD against scikit-learn's kernels and a loop over quadruples."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.special import softmax
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from tlx import ops

quadratic, linear = jax.jit(ops.jmmd_quadratic), jax.jit(ops.jmmd_linear)
mmd_quadratic = jax.jit(ops.mmd_quadratic)
SCALES = [2.0**k for k in range(-3, 2)]


def four(seed: int, n: int = 6) -> tuple[np.ndarray, ...]:
    """Features of source and target, and their class probabilities."""
    random = np.random.default_rng(seed)
    source, target = random.normal(size=(n, 3)), 0.5 + 2 * random.normal(size=(n, 3))
    return source, target, softmax(random.normal(size=(n, 4)), 1), softmax(2 * random.normal(size=(n, 4)), 1)


def joint_kernel(mean: float, f, f2, p, p2) -> np.ndarray:
    on_features = sum(rbf_kernel(f, f2, gamma=1 / (2 * scale * mean)) for scale in SCALES)
    return on_features * rbf_kernel(p, p2, gamma=1 / (2 * 0.92**2))


@pytest.mark.parametrize("seed", range(3))
def test_quadratic_is_that_of_sklearn_kernels(seed):
    source, target, p, q = four(seed)
    mean = (euclidean_distances(np.concatenate([source, target])) ** 2).mean()
    expected = joint_kernel(mean, source, source, p, p).mean() + joint_kernel(mean, target, target, q, q).mean()
    expected -= 2 * joint_kernel(mean, source, target, p, q).mean()
    assert quadratic(source, target, p, q) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 7])
def test_linear_is_a_loop_over_quadruples(n):
    source, target, p, q = four(n, n)
    f, g = {"s": source, "t": target}, {"s": p, "t": q}
    pairs = [
        (sign, (a, i + u), (b, i + v))
        for i in range(0, n - 1, 2)
        for sign, a, u, b, v in ((1, "s", 0, "s", 1), (1, "t", 0, "t", 1), (-1, "s", 0, "t", 1), (-1, "s", 1, "t", 0))
    ]
    mean = float(np.mean([np.sum((f[a][i] - f[b][j]) ** 2) for _, (a, i), (b, j) in pairs]))
    values = [
        sign * joint_kernel(mean, f[a][[i]], f[b][[j]], g[a][[i]], g[b][[j]]).item() for sign, (a, i), (b, j) in pairs
    ]
    assert linear(source, target, p, q) == pytest.approx(4 * np.mean(values))


def test_with_equal_predictions_it_is_mmd():
    source, target, p, _ = four(0)
    same = np.repeat(p[:1], len(p), 0)
    assert quadratic(source, target, same, same) == pytest.approx(float(mmd_quadratic(source, target)))


def test_classes_that_change_places_are_seen():
    """The trap: two MMDs added in place of a product of kernels: both marginals agree here, the joint does not."""
    source, _, p, _ = four(1)
    swapped = p[::-1]
    assert quadratic(source, source, p, swapped) > 1e-3
    assert mmd_quadratic(p, swapped) == pytest.approx(0, abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_is_symmetric_and_blind_to_order(seed):
    source, target, p, q = four(seed)
    order = np.random.default_rng(seed).permutation(len(source))
    value = quadratic(source, target, p, q)
    assert value > 0
    assert quadratic(target, source, q, p) == pytest.approx(value)
    assert quadratic(source[order], target, p[order], q) == pytest.approx(value)
    assert quadratic(source, source[order], p, p[order]) == pytest.approx(0, abs=1e-12)


def test_gradient_of_the_predictions_is_numeric():
    source, target, p, q = four(2)
    check_grads(lambda p, q: quadratic(source, target, p, q), (p, q), order=1, modes=["rev"])
