"""Moments, invariance and weights over source domains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.ops import group_weights, invariance_penalty, moment_matching


def by_hand(domains: list[np.ndarray], moments: int) -> float:
    """The paper's sums, pair by pair; the target is the last domain."""
    total, count = 0.0, len(domains) - 1
    for k in range(1, moments + 1):
        means = [np.mean(d.astype(float) ** k, 0) for d in domains]
        total += sum(np.linalg.norm(mean - means[-1]) for mean in means[:-1]) / count
        pairs = [np.linalg.norm(means[i] - means[j]) for i in range(count) for j in range(i + 1, count)]
        total += np.mean(pairs) if pairs else 0
    return float(total)


@given(domains=st.integers(1, 4), moments=st.integers(1, 5), seed=st.integers(0, 99))
def test_moment_matching(domains, moments, seed):
    random = np.random.default_rng(seed)
    drawn = [random.normal(d / 3, 1, (6, 4)).astype(np.float32) for d in range(domains + 1)]
    value = moment_matching(jnp.asarray(drawn[:-1]), jnp.asarray(drawn[-1]), moments)
    assert float(value) == pytest.approx(by_hand(drawn, moments), rel=1e-4)


def test_moments_of_equal_domains_have_a_finite_gradient():
    """The trap: the slope of a norm at zero."""
    same = jnp.ones((2, 3, 4))
    slope = jax.grad(lambda x: moment_matching(x, same[0]))(same)
    assert jnp.isfinite(slope).all()


def test_invariance_penalty_is_the_slope_of_a_scale():
    """d/dw cross-entropy(w z) = mean sum_c (p_c - y_c) z_c at w = 1, of each half."""
    random = np.random.default_rng(0)
    z, y = random.normal(0, 2, (10, 3)).astype(np.float32), random.integers(0, 3, 10)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    slopes = ((p - np.eye(3)[y]) * z).sum(1)
    assert float(invariance_penalty(jnp.asarray(z), jnp.asarray(y))) == pytest.approx(
        slopes[::2].mean() * slopes[1::2].mean(), rel=1e-4
    )


def test_group_weights_move_to_the_worst():
    q, losses = np.array([0.2, 0.5, 0.3], np.float32), np.array([3.0, 1.0, 2.0], np.float32)
    expected = q * np.exp(0.5 * losses)
    np.testing.assert_allclose(
        group_weights(jnp.asarray(q), jnp.asarray(losses), 0.5), expected / expected.sum(), rtol=1e-5
    )
