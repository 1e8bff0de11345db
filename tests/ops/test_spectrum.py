"""Singular values against scipy's, and their gradients against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.linalg import svd, svdvals
from scipy.special import softmax
from scipy.stats import ortho_group

from tlx import ops

nuclear, penalty = jax.jit(ops.nuclear_norm), jax.jit(ops.spectral_penalty, static_argnames="count")


def matrix(seed: int, n: int = 5, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


@pytest.mark.parametrize("shape", [(5, 4), (3, 4)])
def test_are_scipys_singular_values(shape):
    x = matrix(0, *shape)
    assert nuclear(x) == pytest.approx(np.sum(svdvals(x)))
    for count in (1, 2):
        assert penalty(x, count) == pytest.approx(np.sum(np.asarray(svdvals(x))[:count] ** 2))
    assert penalty(x, 9) == pytest.approx((x**2).sum()), "no more than there are"


def test_gradients_in_closed_form():
    """d|A|_* = U V^T, d sigma_1^2 = 2 sigma_1 u_1 v_1^T."""
    x = matrix(1)
    u, s, v = svd(x, full_matrices=False)
    np.testing.assert_allclose(jax.grad(nuclear)(x), u @ v, atol=1e-12)
    np.testing.assert_allclose(jax.grad(penalty)(x), 2 * s[0] * np.outer(u[:, 0], v[0]), atol=1e-12)
    check_grads(nuclear, (x,), order=1, modes=["rev"])
    check_grads(lambda x: penalty(x, 2), (x,), order=1, modes=["rev"])


def test_gradient_is_finite_where_singular_values_coincide():
    """The trap: 1 / (sigma_i - sigma_j) in the gradient of an SVD: equal rows, and balanced certain predictions."""
    for x in (np.ones((4, 3)), np.eye(3), np.zeros((2, 3))):
        for loss in (nuclear, penalty):
            assert np.isfinite(jax.grad(loss)(jnp.float32(x))).all()


@pytest.mark.parametrize("classes", [2, 5])
def test_nuclear_norm_asks_for_certain_and_diverse_predictions(classes):
    """Its bound sqrt(B min(B, C)) is met by certain, balanced predictions; the same class for all gives sqrt(B)."""
    rows = 3 * classes
    balanced = np.tile(np.eye(classes), (3, 1))
    alike = np.tile(np.eye(classes)[:1], (rows, 1))
    unsure = softmax(matrix(0, rows, classes), 1)
    assert nuclear(balanced) == pytest.approx(np.sqrt(rows * classes))
    assert nuclear(alike) == pytest.approx(np.sqrt(rows))
    assert nuclear(unsure) < nuclear(balanced)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_are_blind_to_order_and_rotation(seed):
    x = matrix(seed)
    order, turn = np.random.default_rng(seed).permutation(5), ortho_group.rvs(4, random_state=seed)
    for loss in (nuclear, penalty):
        assert loss(x[order]) == pytest.approx(float(loss(x)))
        assert loss(x @ turn) == pytest.approx(float(loss(x)))
