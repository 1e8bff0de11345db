"""Losses against NumPy: soft labels, class balance, cosine classifiers, aligned distributions, removed features."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import cosine_similarity

from tlx import ops as typed

ops: Any = typed

RANDOM: Any = np.random.default_rng(0)
LOGITS, OTHER = RANDOM.normal(size=(2, 7, 4))
FEATURES, KERNEL = RANDOM.normal(size=(7, 5)), RANDOM.normal(size=(5, 4))
LABELS = RANDOM.integers(0, 4, 7)


def test_soft_cross_entropy():
    wanted: Any = softmax(OTHER, 1)
    expected = [
        -sum(q * p for q, p in zip(*rows, strict=True)) for rows in zip(wanted, log_softmax(LOGITS, 1), strict=True)
    ]
    np.testing.assert_allclose(ops.soft_cross_entropies(LOGITS, wanted), expected)
    onehot: Any = np.eye(4)[LABELS]
    np.testing.assert_allclose(ops.soft_cross_entropies(LOGITS, onehot), ops.cross_entropies(LOGITS, LABELS))


def test_class_balance_is_binary_cross_entropy_to_even_classes():
    mean = softmax(LOGITS, 1).mean(0)
    expected = sum(-0.25 * np.log(p) - 0.75 * np.log(1 - p) for p in mean)
    assert ops.class_balance(jnp.asarray(LOGITS)) == pytest.approx(expected, rel=1e-9)
    check_grads(ops.class_balance, (jnp.asarray(LOGITS),), order=1, modes=["rev"])
    even = ops.class_balance(jnp.zeros((7, 4)))
    assert even < expected and np.isfinite(ops.class_balance(jnp.float32([[200.0, 0, 0, 0]])))


def test_cosine_classifier():
    unit = KERNEL / np.linalg.norm(KERNEL, axis=0)
    np.testing.assert_allclose(
        ops.cosine_logits(FEATURES, unit, 0.05), cosine_similarity(FEATURES, KERNEL.T) / 0.05, rtol=1e-6
    )
    assert np.isfinite(ops.cosine_logits(jnp.zeros((2, 5)), KERNEL)).all()


def test_aligned_predictions_are_as_frequent_as_the_sources():
    p: Any = softmax(LOGITS, 1)
    q: Any = softmax(OTHER, 1)
    expected = np.stack([row * q.mean(0) / p.mean(0) for row in p])
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(ops.align_distribution(p, q), expected)
    np.testing.assert_allclose(ops.align_distribution(p, p[::-1]), p)


def test_removal_of_a_feature():
    def loss(z):
        return -np.mean(log_softmax(z @ KERNEL, 1)[np.arange(7), LABELS])

    expected = []
    for j in range(5):
        without = FEATURES.copy()
        without[:, j] = 0
        expected.append(loss(without) - loss(FEATURES))
    found = ops.removal_losses(lambda z: z @ jnp.asarray(KERNEL), jnp.asarray(FEATURES), LABELS)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_spectral_shrinkage_is_of_the_smallest():
    eigenvalues = np.sort(np.linalg.eigvalsh(FEATURES.T @ FEATURES))
    for count in (1, 3):
        assert ops.spectral_shrinkage(FEATURES, count) == pytest.approx(eigenvalues[:count].sum())
    check_grads(ops.spectral_shrinkage, (jnp.asarray(FEATURES),), order=1, modes=["rev"])


def test_cosine_warmup():
    assert [float(ops.cosine_warmup(jnp.asarray(p))) for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0, 0.5, 1, 1])
