"""Central moment discrepancy against scipy's moments."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.stats import moment

from tlx import ops

cmd = jax.jit(ops.central_moment_discrepancy, static_argnames=("moments", "span"))


def pair(seed: int, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(size=(6, width)), random.beta(2, 5, size=(5, width))


@pytest.mark.parametrize("span", [1.0, 2.0])
@pytest.mark.parametrize("moments", [1, 3, 5])
def test_is_scipys_moments(moments, span):
    source, target = pair(0)
    expected = np.linalg.norm(source.mean(0) - target.mean(0)) / span
    for k in range(2, moments + 1):
        expected += np.linalg.norm(moment(source, k) - moment(target, k)) / span**k
    assert cmd(source, target, moments, span) == pytest.approx(expected)


def test_gradient_is_numeric_and_finite_at_equal_samples():
    source, target = pair(1)
    check_grads(cmd, (source, target), order=1, modes=["rev"])
    value, gradient = jax.value_and_grad(cmd)(source, source)
    assert value == pytest.approx(0, abs=1e-12) and np.isfinite(gradient).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_is_symmetric_and_blind_to_order_and_to_the_unit(seed):
    source, target = pair(seed)
    order = np.random.default_rng(seed).permutation(6)
    value = cmd(source, target)
    assert value > 0 and cmd(target, source) == pytest.approx(value)
    assert cmd(source[order], target) == pytest.approx(value)
    assert cmd(2 * source - 1, 2 * target - 1, span=2.0) == pytest.approx(value)
