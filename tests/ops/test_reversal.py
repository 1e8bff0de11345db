"""Gradient reversal: the identity forward, the gradient times -coefficient backward."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlx.ops import reverse_gradient

X = np.random.default_rng(0).normal(size=(3, 2))


def objective(x, coefficient):
    return jnp.sum(jnp.sin(reverse_gradient(x, coefficient)))


slope = jax.jit(jax.grad(objective))


@settings(max_examples=20, deadline=None)
@given(st.floats(-5, 5))
def test_forward_is_the_identity_and_backward_is_turned(coefficient):
    np.testing.assert_array_equal(reverse_gradient(X, coefficient), X)
    np.testing.assert_allclose(slope(X, coefficient), -coefficient * np.cos(X), atol=1e-300)


def test_a_traced_coefficient_compiles_once_and_gets_no_gradient():
    """The coefficient grows with progress, so it is traced under jit and batched under vmap over seeds."""
    traces = []

    @jax.jit
    def counted(x, coefficient):
        traces.append(coefficient)
        return jax.grad(objective)(x, coefficient)

    np.testing.assert_allclose(counted(X, 0.25), -0.25 * np.cos(X))
    np.testing.assert_allclose(counted(X, 0.5), -0.5 * np.cos(X))
    assert len(traces) == 1
    many = jax.vmap(jax.grad(objective), (None, 0))(X, jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(many, [0 * X, -np.cos(X)], atol=1e-12)
    assert jax.grad(objective, argnums=1)(X, 0.5) == 0


def test_single_precision_is_kept():
    assert jax.grad(objective)(jnp.float32(X), 0.5).dtype == jnp.float32


@pytest.mark.parametrize("times", [2, 3])
def test_reversing_again_turns_back(times):
    def nested(x):
        for _ in range(times):
            x = reverse_gradient(x, 1.0)
        return jnp.sum(jnp.sin(x))

    np.testing.assert_allclose(jax.grad(nested)(X), (-1) ** times * np.cos(X))
