"""Calibration against scipy's minimum of the likelihood."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from tlx.ops import fit_calibration

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.normal(size=(600, 4)) * 2
Y = np.array([RANDOM.choice(4, p=p) for p in softmax(TRUE, 1)])
LOGITS = 3 * TRUE + np.array([1.0, 0.0, -2.0, 0.5])  # overconfident, and of other class shares


def loss(scale, bias) -> float:
    return -log_softmax(LOGITS * scale + bias, 1)[np.arange(len(Y)), Y].mean()


@pytest.mark.parametrize(
    ("kind", "start", "of"),
    [
        ("temperature", np.ones(1), lambda v: (v[0], 0.0)),
        ("bcts", np.r_[1.0, np.zeros(4)], lambda v: (v[0], v[1:])),
        ("vector", np.r_[np.ones(4), np.zeros(4)], lambda v: (v[:4], v[4:])),
    ],
)
def test_finds_the_likelihoods_maximum(kind, start, of):
    best = minimize(lambda v: loss(*of(v)), start).fun
    with jax.numpy_dtype_promotion("standard"):  # optax counts in int32, and in int64
        fitted = fit_calibration(jnp.asarray(LOGITS), jnp.asarray(Y, jnp.int32), kind)
    assert loss(np.float64(fitted.scale), np.float64(fitted.bias)) == pytest.approx(best, abs=1e-5)
    assert best < loss(1.0, 0.0) - 0.05
    if kind != "temperature":  # the score equations of the biases
        said = softmax(np.asarray(fitted(jnp.asarray(LOGITS))), 1).mean(0)
        np.testing.assert_allclose(said, np.bincount(Y) / len(Y), atol=1e-3)


def test_none_changes_nothing():
    fitted = fit_calibration(jnp.asarray(LOGITS), jnp.asarray(Y, jnp.int32), "none")
    np.testing.assert_array_equal(fitted(jnp.asarray(LOGITS)), LOGITS)
