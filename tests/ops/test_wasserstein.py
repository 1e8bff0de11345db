"""Sliced Wasserstein distance and optimal plans against POT; the gradient penalty against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ops

sliced, sinkhorn = jax.jit(ops.sliced_wasserstein), jax.jit(ops.sinkhorn, static_argnames="iterations")


def pair(seed: int, n: int = 6, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(seed).normal(size=(2, n, width))
    return first, 0.5 + 2 * second


DIRECTIONS = np.asarray(ops.random_directions(jax.random.key(0), 3, 16))


def test_directions_are_unit_and_everywhere():
    drawn = np.asarray(ops.random_directions(jax.random.key(1), 3, 4000))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), 1)
    np.testing.assert_allclose(drawn @ drawn.T / 4000, np.eye(3) / 3, atol=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_sliced_is_pots(seed):
    first, second = pair(seed)
    root = np.asarray(ot.sliced_wasserstein_distance(first, second, projections=DIRECTIONS, p=2))
    assert sliced(first, second, DIRECTIONS) == pytest.approx(float(root**2))


def test_sliced_gradient_is_numeric():
    check_grads(lambda a, b: sliced(a, b, DIRECTIONS), pair(1), order=1, modes=["rev"])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sliced_is_symmetric_and_of_samples_not_of_rows(seed):
    """The trap: row i against row i, which is no distance between distributions."""
    first, second = pair(seed)
    value = sliced(first, second, DIRECTIONS)
    assert value > 0 and sliced(second, first, DIRECTIONS) == pytest.approx(value)
    order = np.random.default_rng(seed).permutation(6)
    assert sliced(first[order], second, DIRECTIONS) == pytest.approx(value)
    assert sliced(first, first[order], DIRECTIONS) == pytest.approx(0, abs=1e-20)


def test_penalty_of_a_linear_critic_is_that_of_its_slope():
    slope = np.array([1.0, 2.0, -2.0])
    points = jnp.asarray(pair(0)[0])
    assert ops.gradient_penalty(lambda x: x @ slope + 7, points) == pytest.approx((3 - 1) ** 2)
    assert ops.gradient_penalty(lambda x: x @ slope / 3, points) == pytest.approx(0)


def test_penalty_is_of_each_row():
    """The trap: the norm of the whole batch's gradient. The critic |x|^2 has slope 2|x| at x."""
    points, _ = pair(1)
    expected = np.mean((2 * np.linalg.norm(points, axis=1) - 1) ** 2)
    penalty = jax.jit(lambda x, scale: ops.gradient_penalty(lambda x: scale * (x**2).sum(1), x))
    assert penalty(points, 1.0) == pytest.approx(expected)
    check_grads(lambda scale: penalty(points, scale), (1.5,), order=1, modes=["rev"])
    assert np.isfinite(jax.grad(penalty)(jnp.zeros((2, 3)), 1.0)).all(), "a critic without slope"
