"""Class weights: exact where the confusion matrix is, by scipy's optima elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax, softmax

from tlx.ops import (
    bbse_weights,
    joint_confusion,
    mlls_weights,
    nonnegative_least_squares,
    reweighted,
    rlls_strength,
    rlls_weights,
)

BBSE, RLLS = jax.jit(bbse_weights), jax.jit(rlls_weights)


def exact(seed: int, classes: int = 4):
    """A joint confusion matrix, weights, and the predictions' shares under them, without sampling."""
    random = np.random.default_rng(seed)
    given_label = softmax(random.normal(size=(classes, classes)) + 3 * np.eye(classes), 0)
    prior = random.dirichlet(np.full(classes, 5.0))
    target = random.dirichlet(np.full(classes, 0.5))
    return given_label * prior, target / prior, given_label @ target


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000))
def test_the_weights_of_an_exact_confusion_matrix_are_recovered(seed):
    confusion, weights, said = exact(seed)
    np.testing.assert_allclose(BBSE(confusion, said), weights, atol=1e-6)
    np.testing.assert_allclose(RLLS(confusion, said, 1e-4), weights, atol=2e-3)


def test_confusion_is_the_joint_share_by_a_loop():
    random = np.random.default_rng(1)
    p, y = softmax(random.normal(size=(30, 3)), 1), random.integers(0, 3, 30)
    expected = np.zeros((3, 3))
    for row, label in zip(p, y, strict=True):
        expected[:, label] += row / 30
    np.testing.assert_allclose(joint_confusion(jnp.asarray(p), jnp.asarray(y)), expected, rtol=1e-5)


def test_a_class_that_nobody_predicts_leaves_the_weights_finite():
    """The trap: the inverse of a singular matrix."""
    confusion = jnp.asarray([[0.5, 0.1, 0.0], [0.0, 0.4, 0.0], [0.0, 0.0, 0.0]])
    for found in (bbse_weights(confusion, jnp.asarray([0.3, 0.7, 0.0])),
                  rlls_weights(confusion, jnp.asarray([0.3, 0.7, 0.0]), 0.01)):  # fmt: skip
        assert np.isfinite(found).all() and (np.asarray(found) >= 0).all()


def test_nonnegative_least_squares_is_scipys():
    random = np.random.default_rng(2)
    for _ in range(5):
        a, b = random.normal(size=(8, 5)), random.normal(size=8)
        found = nonnegative_least_squares(jnp.asarray(a.T @ a), jnp.asarray(a.T @ b), jnp.ones(5))
        np.testing.assert_allclose(found, nnls(a, b)[0], atol=1e-3)


@pytest.mark.parametrize("strength", [0.002, 0.05, 0.3, 2.0])
def test_rlls_is_scipys_minimum(strength):
    """The trap: the squares of the two lengths in place of the lengths, which never give the unregularised weights."""
    confusion, _, said = exact(5)
    said = said + np.array([0.05, -0.03, -0.02, 0.0])  # of no weights that are all positive

    def objective(theta):
        residual = confusion @ theta - (said - confusion.sum(1))
        return np.linalg.norm(residual) + strength * np.linalg.norm(theta)

    starts = (np.zeros(4) + 0.01, nnls(confusion, said)[0] - 1)
    found = [minimize(objective, s, bounds=[(-1, None)] * 4, method="SLSQP", options={"ftol": 1e-14}) for s in starts]
    ours = np.float64(RLLS(confusion, said, strength)) - 1
    assert objective(ours) == pytest.approx(min(each.fun for each in found), abs=2e-4)
    assert (ours >= -1).all()


def test_strength_falls_with_the_root_of_the_rows():
    assert rlls_strength(10, 40_000) == pytest.approx(rlls_strength(10, 10_000) / 2, rel=0.02)
    assert rlls_strength(10, 2000) == pytest.approx(0.01 * 3 * (2 * np.log(400) / 6000 + np.sqrt(np.log(400) / 1000)))


def posterior(seed: int, rows: int = 400):
    """Calibrated log p(c | x) under equal shares, of rows drawn with other shares."""
    random = np.random.default_rng(seed)
    means, shares = random.normal(size=(3, 2)) * 1.5, np.array([0.7, 0.25, 0.05])
    x = means[random.choice(3, rows, p=shares)] + random.normal(size=(rows, 2))
    return log_softmax(-((x[:, None] - means) ** 2).sum(2) / 2, 1), shares


def likelihood(log_p, q) -> float:
    return float(np.log(np.exp(log_p) @ (3 * np.asarray(q, np.float64))).mean())


def test_mlls_is_scipys_maximum_of_the_likelihood():
    log_p, shares = posterior(0)
    found = np.asarray(mlls_weights(jnp.asarray(log_p), jnp.full(3, 1 / 3), tolerance=1e-7)) / 3
    best = minimize(lambda v: -likelihood(log_p, softmax(v)), np.zeros(3), tol=1e-10)
    np.testing.assert_allclose(found, softmax(best.x), atol=2e-3)
    assert np.abs(found - shares).max() < 0.06


def test_each_step_of_em_raises_the_likelihood():
    log_p, _ = posterior(1)
    steps = [np.asarray(mlls_weights(jnp.asarray(log_p), jnp.full(3, 1 / 3), iterations=n)) / 3 for n in range(1, 12)]
    values = [likelihood(log_p, [1 / 3] * 3), *(likelihood(log_p, q) for q in steps)]
    assert all(later >= before - 1e-6 for before, later in zip(values, values[1:], strict=False))
    assert values[-1] > values[0] + 0.05


def test_reweighted_is_bayes_rule():
    random = np.random.default_rng(3)
    logits, w = random.normal(size=(5, 3)), np.array([2.0, 0.5, 0.0])
    expected = softmax(logits, 1) * w
    found = jax.nn.softmax(reweighted(jnp.asarray(logits), jnp.asarray(w)))
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), atol=1e-6)
