"""SHOT's labels against a transcription with scipy's cosine distance."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import softmax

from tlx import ops

centroid_labels = jax.jit(ops.centroid_labels)


def rows(seed: int, n: int = 30, width: int = 4, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return np.abs(random.normal(size=(n, width))), 2 * random.normal(size=(n, classes))


def by_scipy(features: np.ndarray, logits: np.ndarray) -> np.ndarray:
    f = np.concatenate([features, np.ones((len(features), 1))], 1)
    f = f / np.linalg.norm(f, axis=1, keepdims=True)
    weights, labels = softmax(logits, 1), np.argmax(logits, 1)
    for _ in range(2):
        centroids = np.array(
            [(weights[:, k : k + 1] * f).sum(0) / weights[:, k].sum() for k in range(weights.shape[1])]
        )
        labels = cdist(f, centroids, "cosine").argmin(1)
        weights = np.eye(weights.shape[1])[labels]
    return labels


@pytest.mark.parametrize("seed", range(5))
def test_is_the_transcription(seed):
    features, logits = rows(seed)
    expected = by_scipy(features, logits)
    assert len(set(expected)) == 3, "no class is empty here: the transcription would divide by 0"
    np.testing.assert_array_equal(centroid_labels(features, logits), expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_follows_an_order_of_rows_and_of_classes(seed):
    features, logits = rows(seed)
    random = np.random.default_rng(seed)
    order, names = random.permutation(30), random.permutation(3)
    labels = np.asarray(centroid_labels(features, logits))
    np.testing.assert_array_equal(centroid_labels(features[order], logits[order]), labels[order])
    np.testing.assert_array_equal(names[np.asarray(centroid_labels(features, logits[:, names]))], labels)


def test_corrects_the_classifier_by_the_clusters():
    """Two clear clusters; the classifier errs on a row of the first: the centroid takes it back."""
    features = np.array([[5.0, 0], [4, 0], [6, 0], [0, 5], [0, 4], [0, 6]])
    logits = np.array([[2.0, 0], [2, 0], [0, 1], [0, 2], [0, 2], [0, 2]])
    assert np.argmax(logits, 1).tolist() == [0, 0, 1, 1, 1, 1]
    assert np.asarray(centroid_labels(features, logits)).tolist() == [0, 0, 0, 1, 1, 1]


def test_an_empty_class_is_never_chosen():
    """The trap: a class without rows has the zero centroid, nearer to an outlier than the centroids that there are."""
    features = np.array([[10.0, 0], [10, 0], [10, 0], [-10, 0]], np.float32)
    logits = np.tile(np.array([0, -1e4], np.float32), (4, 1))
    assert np.asarray(centroid_labels(features, logits)).tolist() == [0, 0, 0, 0]
