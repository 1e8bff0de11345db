"""Linear classifiers on fixed features against scikit-learn's logistic regression."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tlx.ops import choose_linear, fit_linear, linear_logits

KEY = jax.random.key(0)
RANDOM = np.random.default_rng(0)
Y = jnp.asarray(RANDOM.integers(0, 3, 150))
X = (np.abs(RANDOM.normal(size=(150, 6)) + 1.2 * np.eye(3, 6)[Y]) * 3 + 1).astype(np.float32)  # like a ReLU's
fitted = jax.jit(functools.partial(fit_linear, classes=3), static_argnames=("solver", "iterations", "batch"))


@pytest.fixture(autouse=True)
def free_promotion():
    """In double precision optax's L-BFGS adds counters of 32 and 64 bits."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("strength", [1e-3, 0.1])
@pytest.mark.parametrize(("kind", "tolerance"), [(np.float64, 1e-4), (np.float32, 6e-3)])
def test_lbfgs_finds_the_minimum_of_scikit_learn(strength, kind, tolerance):
    """The traps: a penalised bias, a penalty on centred and scaled features, strength per sum in place of mean."""
    found = fitted(KEY, X.astype(kind), Y, strength=strength, iterations=300)
    peer = LogisticRegression(C=1 / (strength * len(Y)), tol=1e-10, max_iter=10_000).fit(X.astype(np.float64), Y)
    np.testing.assert_allclose(found["kernel"].T, peer.coef_, atol=tolerance)
    np.testing.assert_allclose(
        jax.nn.softmax(linear_logits(found, jnp.asarray(X))), peer.predict_proba(X), atol=tolerance
    )


def test_sgd_comes_near_it():
    lbfgs = fitted(KEY, X, Y, strength=0.01)
    sgd = fitted(KEY, X, Y, strength=0.01, solver="sgd", iterations=3000, rate=0.05, batch=64)
    np.testing.assert_allclose(sgd["kernel"], lbfgs["kernel"], atol=0.05)


@pytest.mark.slow
def test_the_strength_is_chosen_on_held_out_rows_and_all_rows_are_fitted_then():
    """The trap: the strength with the best fit to the rows it was fitted to, which is always the smallest."""
    noise = RANDOM.normal(size=(150, 60)).astype(np.float32) * 4
    x = np.concatenate([X, noise], 1)
    strengths = (1e-6, 0.1, 1e6)
    choose = jax.jit(lambda key: choose_linear(key, jnp.asarray(x), Y, 3, strengths, held=0.2, iterations=60))
    params, strength = choose(KEY)
    assert strength == np.float32(0.1)
    peer = LogisticRegression(C=1 / (0.1 * len(Y)), tol=1e-10, max_iter=10_000).fit(x.astype(np.float64), Y)
    np.testing.assert_allclose(params["kernel"].T, peer.coef_, atol=1e-3)


def test_one_strength_is_not_chosen():
    params, strength = jax.jit(lambda x: choose_linear(KEY, x, Y, 3, (0.5,), solver="sgd", iterations=2))(X)
    assert strength == 0.5 and params["kernel"].shape == (6, 3)
