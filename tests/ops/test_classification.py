"""Losses on class probabilities against scipy and scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import log_loss

from tlx import ops

classifier_discrepancy = jax.jit(ops.classifier_discrepancy)
cross_entropies, cross_entropy = jax.jit(ops.cross_entropies), jax.jit(ops.cross_entropy)
entropies, marginal_entropy = jax.jit(ops.entropies), jax.jit(ops.marginal_entropy)
information_maximisation = jax.jit(ops.information_maximisation)
uniform_cross_entropy = jax.jit(ops.uniform_cross_entropy)
kl_consistency, squared_consistency = jax.jit(ops.kl_consistency), jax.jit(ops.squared_consistency)

B, C = 6, 4
LABELS = np.array([0, 3, 1, 1, 2, 0])
seeds = st.integers(0, 2**32 - 1)


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = 3 * np.random.default_rng(seed).normal(size=(2, B, C))
    return first, second


def test_cross_entropy_is_sklearns_log_loss():
    logits, _ = pair(0)
    expected = log_loss(LABELS, softmax(logits, 1), labels=range(C))
    assert cross_entropy(logits, LABELS) == pytest.approx(expected)


def test_label_smoothing_mixes_in_the_uniform():
    """q = (1 - s) onehot + s / classes, as in SHOT; another convention spreads s over the other classes only."""
    logits, _ = pair(0)
    wanted = 0.9 * np.eye(C)[LABELS] + 0.1 / C
    expected = -np.sum(wanted * np.log(softmax(logits, 1)), 1)
    np.testing.assert_allclose(cross_entropies(logits, LABELS, 0.1), expected)
    assert cross_entropy(logits, LABELS, 0.1) == pytest.approx(expected.mean())


def test_entropies_are_scipys():
    logits, _ = pair(1)
    p = softmax(logits, 1)
    np.testing.assert_allclose(entropies(logits), entropy(p, axis=1))
    assert marginal_entropy(logits) == pytest.approx(entropy(p.mean(0)))
    assert information_maximisation(logits) == pytest.approx(entropy(p, axis=1).mean() - entropy(p.mean(0)))
    even = np.full(C, 1 / C)
    assert uniform_cross_entropy(logits) == pytest.approx(entropy(even) + entropy(even, p.mean(0)))


def test_information_maximisation_is_least_when_confident_and_diverse():
    """The trap: the sign of the diversity. One-hot over all classes is -log C; one class for all, or uniform, is 0."""
    assert information_maximisation(1e3 * jnp.eye(C)) == pytest.approx(-np.log(C))
    assert information_maximisation(1e3 * jnp.eye(C)[jnp.zeros(C, int)]) == pytest.approx(0)
    assert information_maximisation(jnp.zeros((B, C))) == pytest.approx(0)


def test_consistencies_are_loops():
    student, teacher = pair(2)
    p, q = softmax(student, 1), softmax(teacher, 1)
    squared = [np.mean([(p[i, c] - q[i, c]) ** 2 for c in range(C)]) for i in range(B)]
    np.testing.assert_allclose(squared_consistency(student, teacher), squared)
    np.testing.assert_allclose(kl_consistency(student, teacher), entropy(q, p, axis=1))
    gap = np.mean([abs(p[i, c] - q[i, c]) for i in range(B) for c in range(C)])
    assert classifier_discrepancy(student, teacher) == pytest.approx(gap)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_invariances(seed):
    first, second = pair(seed)
    order = np.random.default_rng(seed).permutation(B)
    assert classifier_discrepancy(first, second) == pytest.approx(classifier_discrepancy(second, first))
    np.testing.assert_allclose(squared_consistency(first, second), squared_consistency(second, first))
    assert np.all(np.asarray(kl_consistency(first, second)) >= 0)
    for zero in (squared_consistency, kl_consistency, classifier_discrepancy):
        np.testing.assert_allclose(zero(first, first), 0, atol=1e-12)
        np.testing.assert_allclose(zero(first + 7, first), 0, atol=1e-12)  # softmax forgets a shift
    assert information_maximisation(first[order]) == pytest.approx(information_maximisation(first))
    assert cross_entropy(first[order], LABELS[order]) == pytest.approx(cross_entropy(first, LABELS))
    assert np.all(np.asarray(entropies(first)) <= np.log(C) + 1e-12)


def on_labels(logits):
    return cross_entropy(logits, LABELS, 0.1)


def mean_entropy(logits):
    return entropies(logits).mean()


def to_zero(loss):
    def of(logits):
        return loss(logits, jnp.zeros((B, C), logits.dtype)).mean()

    return of


LOSSES = {
    "cross_entropy": on_labels,
    "entropies": mean_entropy,
    "marginal_entropy": marginal_entropy,
    "information_maximisation": information_maximisation,
    "uniform_cross_entropy": uniform_cross_entropy,
    "classifier_discrepancy": to_zero(classifier_discrepancy),
    "squared_consistency": to_zero(squared_consistency),
    "kl_consistency": to_zero(kl_consistency),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_numeric(name):
    check_grads(jax.jit(LOSSES[name]), (pair(3)[0],), order=1, modes=["rev"])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [0.0, 1e2, 1e4])
def test_extreme_logits_stay_finite(name, size):
    """The trap: log of a probability that has become 0, and 0 * -inf."""
    logits = jnp.asarray(size * np.eye(C)[LABELS], jnp.float32)
    value, gradient = jax.jit(jax.value_and_grad(LOSSES[name]))(logits)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_kl_consistency_teaches_the_student_only_what_the_teacher_knows():
    """KL(teacher || student): where the teacher gives 0, the student's probability costs nothing but its mass."""
    teacher = jnp.array([[0.0, 0.0, -1e4, -1e4]])
    student = jnp.zeros((1, C))
    assert kl_consistency(student, teacher)[0] == pytest.approx(np.log(2))
