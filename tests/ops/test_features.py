"""Lengths of rows against NumPy's; singular values against scipy's, and their gradients against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.linalg import svd, svdvals
from scipy.special import softmax
from scipy.stats import ortho_group

from tlx import ops

row_norms, stepwise_norm, hard_norm = jax.jit(ops.row_norms), jax.jit(ops.stepwise_norm), jax.jit(ops.hard_norm)
X = np.random.default_rng(0).normal(size=(5, 3))


def test_norms_are_numpys_with_gradient_zero_at_zero():
    np.testing.assert_allclose(row_norms(X), np.linalg.norm(X, axis=1))
    assert not np.any(jax.grad(lambda x: row_norms(x).sum())(jnp.zeros((2, 3))))


def test_unit_rows_and_columns_are_of_length_one_and_leave_zeros():
    x = np.concatenate([X, np.zeros((1, 3))])
    expected = np.concatenate([X / np.linalg.norm(X, axis=1, keepdims=True), np.zeros((1, 3))])
    np.testing.assert_allclose(ops.unit_rows(jnp.asarray(x)), expected, atol=1e-6)
    np.testing.assert_allclose(ops.unit_columns(jnp.asarray(x.T)), expected.T, atol=1e-6)
    assert np.isfinite(jax.grad(lambda x: ops.unit_rows(x).sum())(jnp.asarray(x))).all()


def test_stepwise_value_is_the_step_and_its_gradient_lengthens():
    """The trap: a gradient through the target length, which is then none. d = -2 step f / (B |f|)."""
    value, gradient = jax.value_and_grad(stepwise_norm)(X, 0.3)
    assert value == pytest.approx(0.09)
    np.testing.assert_allclose(gradient, -2 * 0.3 * X / np.linalg.norm(X, axis=1, keepdims=True) / len(X))


def test_hard_pulls_the_mean_length_to_the_radius():
    assert hard_norm(X, 2.0) == pytest.approx((np.linalg.norm(X, axis=1).mean() - 2) ** 2)
    check_grads(lambda x: hard_norm(x, 2.0), (X,), order=1, modes=["rev"])


nuclear, penalty = jax.jit(ops.nuclear_norm), jax.jit(ops.spectral_penalty, static_argnames="count")


def matrix(seed: int, n: int = 5, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


@pytest.mark.parametrize("shape", [(5, 4), (3, 4)])
def test_spectra_are_scipys_singular_values(shape):
    x = matrix(0, *shape)
    assert nuclear(x) == pytest.approx(np.sum(svdvals(x)))
    for count in (1, 2):
        assert penalty(x, count) == pytest.approx(np.sum(np.asarray(svdvals(x))[:count] ** 2))
    assert penalty(x, 9) == pytest.approx((x**2).sum()), "no more than there are"


def test_gradients_of_spectra_in_closed_form():
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
            assert np.isfinite(jax.jit(jax.grad(loss))(jnp.float32(x))).all()


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


@given(st.integers(0, 2**32 - 1))
def test_spectra_are_blind_to_order_and_rotation(seed):
    x = matrix(seed)
    order, turn = np.random.default_rng(seed).permutation(5), ortho_group.rvs(4, random_state=seed)
    for loss in (nuclear, penalty):
        assert loss(x[order]) == pytest.approx(float(loss(x)))
        assert loss(x @ turn) == pytest.approx(float(loss(x)))


def test_spectral_shrinkage_is_of_the_smallest():
    x, shrinkage = matrix(2, 7, 5), jax.jit(ops.spectral_shrinkage, static_argnames="count")
    eigenvalues = np.sort(np.linalg.eigvalsh(x.T @ x))
    for count in (1, 3):
        assert shrinkage(x, count) == pytest.approx(eigenvalues[:count].sum())
    check_grads(shrinkage, (x,), order=1, modes=["rev"])
