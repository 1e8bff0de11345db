"""CORAL against numpy.cov and a closed form."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ops

coral = jax.jit(ops.coral, static_argnames="means")


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(7, 3)), random.normal(size=(5, 3)) @ random.normal(size=(3, 3))


@pytest.mark.parametrize("seed", range(3))
def test_is_the_gap_of_numpy_covariances(seed):
    source, target = pair(seed)
    gap = np.linalg.norm(np.cov(source.T) - np.cov(target.T), "fro")
    assert coral(source, target) == pytest.approx(gap**2 / (4 * 3**2))


def test_of_known_covariances():
    """Rows +-e_i have covariance 2/3 I; of those doubled it is 8/3 I: the gap 2 I has squared norm 8, over 4 * 2^2."""
    rows = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert coral(rows, 2 * rows) == pytest.approx(8 / 16)


def test_means_are_added_on_request_only():
    """TLLib's CORAL adds the mean squared difference of the means; the paper's is blind to means."""
    source, _ = pair(0)
    assert coral(source, source + 2) == pytest.approx(0, abs=1e-12)
    assert coral(source, source + 2, means=True) == pytest.approx(4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_is_symmetric_and_blind_to_order_and_place(seed):
    source, target = pair(seed)
    value = coral(source, target)
    assert coral(target, source) == pytest.approx(value)
    assert coral(source[::-1] + 5, target) == pytest.approx(value)
    assert coral(source, source[::-1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("means", [False, True])
def test_gradient_is_numeric(means):
    source, target = pair(1)
    check_grads(lambda s, t: coral(s, t, means=means), (source, target), order=1, modes=["rev"])


def test_equal_samples_have_no_gradient():
    source, _ = pair(2)
    np.testing.assert_allclose(jax.grad(coral)(source, source), 0, atol=1e-12)
