"""Moments against NumPy's."""

import jax
import numpy as np
import pytest

from tlx import ops

covariance, mean_and_variance = jax.jit(ops.covariance), jax.jit(ops.mean_and_variance)


@pytest.mark.parametrize("n", [2, 9])
def test_moments_are_those_of_numpy(n):
    x = np.random.default_rng(n).normal(size=(n, 4))
    mean, variance = mean_and_variance(x)
    np.testing.assert_allclose(covariance(x), np.cov(x.T))
    np.testing.assert_allclose(mean, np.mean(x, 0))
    np.testing.assert_allclose(variance, np.var(x, 0))
