"""Sinkhorn's plan and the sliced distance against POT's."""

import jax
import jax.numpy as jnp
import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ops

sinkhorn = jax.jit(ops.sinkhorn, static_argnames="iterations")


def cost(seed: int, n: int = 6, m: int = 5) -> np.ndarray:
    first, second = np.random.default_rng(seed).normal(size=(2, max(n, m), 2))
    return np.asarray(ot.dist(first[:n], 0.5 + second[:m]))


@pytest.mark.parametrize("seed", range(3))
def test_sinkhorn_is_pots_regularised_plan(seed):
    c = cost(seed)
    plan = ot.sinkhorn(np.full(6, 1 / 6), np.full(5, 1 / 5), c, 0.1 * c.mean(), stopThr=1e-12, numItermax=5000)
    np.testing.assert_allclose(sinkhorn(c, 0.1, iterations=500), np.asarray(plan), atol=1e-8)


@pytest.mark.parametrize(
    ("regularisation", "iterations", "low", "high"), [(0.02, 100, 0.97, 1.08), (0.01, 500, 0.99, 1.04)]
)
def test_sinkhorn_costs_about_what_the_exact_plan_costs(regularisation, iterations, low, high):
    """Measured on ten draws of 6 and of 32 rows: 0.98 to 1.06 times as much at DeepJDOT's settings, 1.00 to 1.03 at
    the other.

    Less than the exact cost is possible, as the rows' masses are off by up to 7 and 1 %.
    """
    for n in (6, 32):
        c = cost(n, n, n)
        exact = ot.emd2(np.full(n, 1 / n), np.full(n, 1 / n), c)
        assert low * exact <= jnp.sum(sinkhorn(c, regularisation, iterations=iterations) * c) <= high * exact


def test_marginals_of_sinkhorn():
    plan = np.asarray(sinkhorn(cost(1), 0.1, iterations=200))
    np.testing.assert_allclose(plan.sum(0), 1 / 5)
    np.testing.assert_allclose(plan.sum(1), 1 / 6, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_sinkhorn_is_finite_and_blind_to_the_unit_in_single_precision(scale):
    """The trap: exp(-C / eps) underflows where it is not taken in the log domain."""
    c = jnp.float32(cost(2) * scale)
    plan = sinkhorn(c, 0.01)
    assert plan.dtype == jnp.float32
    np.testing.assert_allclose(plan, sinkhorn(cost(2), 0.01), atol=1e-4)


def test_equal_costs_spread_evenly_and_the_plan_has_no_gradient():
    for value in (0.0, 3.0):
        np.testing.assert_allclose(sinkhorn(jnp.full((3, 2), value)), 1 / 6)
    assert not np.any(jax.grad(lambda c: (sinkhorn(c) * cost(0)).sum())(cost(0)))


unbalanced = jax.jit(ops.unbalanced_sinkhorn, static_argnames="iterations")


@pytest.mark.parametrize(("regularisation", "marginal"), [(0.1, 0.5), (0.05, 2.0)])
def test_unbalanced_is_pots_plan(regularisation, marginal):
    """The trap: POT's default of today, whose reference is the product of the masses and not the counting measure."""
    c, a, b = cost(4), np.full(6, 1 / 6), np.array([0.5, 0.2, 0.1, 0.1, 0.1])
    plan = ot.unbalanced.sinkhorn_knopp_unbalanced(
        a, b, c, regularisation, marginal, c=np.ones_like(c), numItermax=20_000, stopThr=1e-12
    )
    f, g = unbalanced(c, np.log(a), np.log(b), regularisation, marginal, iterations=3000)
    np.testing.assert_allclose(np.exp(f[:, None] + g[None] - c / regularisation), np.asarray(plan), atol=1e-7)
    assert abs(np.asarray(plan).sum() - 1) > 0.02, "else it could be the balanced plan"


def test_unbalanced_in_single_precision_and_with_rows_that_take_no_part():
    c, part = jnp.float32(cost(5)), np.array([1, 1, 0, 1, 1, 0], bool)
    log_rows, log_columns = np.where(part, -np.log(4), -np.inf), np.full(5, -np.log(5))
    f, g = unbalanced(c, jnp.float32(log_rows), jnp.float32(log_columns), 0.01, 0.5)
    few, same = unbalanced(c[part], jnp.float32(log_rows[part]), jnp.float32(log_columns), 0.01, 0.5)
    assert np.isfinite(g).all() and np.isneginf(f[~part]).all()
    np.testing.assert_allclose(g, same, rtol=1e-4)
    np.testing.assert_allclose(f[part], few, rtol=1e-4)


sliced, sinkhorn = jax.jit(ops.sliced_wasserstein), jax.jit(ops.sinkhorn, static_argnames="iterations")


def pair(seed: int, n: int = 6, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(seed).normal(size=(2, n, width))
    return first, 0.5 + 2 * second


DIRECTIONS = np.asarray(ops.random_directions(jax.random.key(0), 3, 16), np.float64)


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


@given(st.integers(0, 2**32 - 1))
def test_sliced_is_symmetric_and_of_samples_not_of_rows(seed):
    """The trap: row i against row i, which is no distance between distributions."""
    first, second = pair(seed)
    value = sliced(first, second, DIRECTIONS)
    assert value > 0 and sliced(second, first, DIRECTIONS) == pytest.approx(value)
    order = np.random.default_rng(seed).permutation(6)
    assert sliced(first[order], second, DIRECTIONS) == pytest.approx(value)
    assert sliced(first, first[order], DIRECTIONS) == pytest.approx(0, abs=1e-20)


def test_even_assignment_is_pots_plan():
    logits = np.random.default_rng(2).normal(size=(12, 4)) / 4 + [0.3, 0, 0, 0]
    plan = ot.sinkhorn(np.full(12, 1 / 12), np.full(4, 1 / 4), -logits, 0.05, stopThr=1e-12, numItermax=5000)
    found = ops.even_assignment(jnp.asarray(logits), 0.05, 500)
    np.testing.assert_allclose(found, 12 * np.asarray(plan), atol=1e-5)


def test_even_assignment_ends_with_the_rows():
    """The trap: the last scaling over the classes, after which a row's shares do not sum to one."""
    logits = np.random.default_rng(3).normal(size=(12, 4)) / 4
    q = np.exp(logits / 0.05).T  # as UNO's section 3.2 has it: classes to 1 / C, then rows to 1 / N
    for _ in range(3):
        q /= q.sum(1, keepdims=True) * 4
        q /= q.sum(0, keepdims=True) * 12
    found = np.asarray(ops.even_assignment(jnp.asarray(logits), 0.05, 3))
    np.testing.assert_allclose(found, 12 * q.T, atol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
