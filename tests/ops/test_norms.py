"""Feature norms against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from tlx import ops

row_norms, stepwise_norm, hard_norm = jax.jit(ops.row_norms), jax.jit(ops.stepwise_norm), jax.jit(ops.hard_norm)
X = np.random.default_rng(0).normal(size=(5, 3))


def test_norms_are_numpys_with_gradient_zero_at_zero():
    np.testing.assert_allclose(row_norms(X), np.linalg.norm(X, axis=1))
    assert not np.any(jax.grad(lambda x: row_norms(x).sum())(jnp.zeros((2, 3))))


def test_stepwise_value_is_the_step_and_its_gradient_lengthens():
    """The trap: a gradient through the target length, which is then none. d = -2 step f / (B |f|)."""
    value, gradient = jax.value_and_grad(stepwise_norm)(X, 0.3)
    assert value == pytest.approx(0.09)
    np.testing.assert_allclose(gradient, -2 * 0.3 * X / np.linalg.norm(X, axis=1, keepdims=True) / len(X))


def test_hard_pulls_the_mean_length_to_the_radius():
    assert hard_norm(X, 2.0) == pytest.approx((np.linalg.norm(X, axis=1).mean() - 2) ** 2)
    check_grads(lambda x: hard_norm(x, 2.0), (X,), order=1, modes=["rev"])
