"""Rows to have labelled, against what is written out in NumPy and scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from tlx.ops import central_rows, highest, margins, spread_rows

RANDOM = np.random.default_rng(3)
FEATURES = RANDOM.normal(0, 1, (40, 3))
P = softmax(RANDOM.normal(0, 2, (40, 4)), 1)
FREE = np.arange(40) % 5 != 0
KEY = jax.random.key(0)


def test_the_highest_of_those_that_are_free():
    scores = np.arange(40.0)
    assert sorted(np.asarray(highest(jnp.asarray(scores), jnp.asarray(FREE), 3)).tolist()) == [37, 38, 39]
    assert 35 not in np.asarray(highest(jnp.asarray(scores), jnp.asarray(FREE), 5))


def test_margins_are_of_the_two_best_classes():
    best = np.sort(P, 1)
    np.testing.assert_allclose(margins(jnp.asarray(P)), best[:, -1] - best[:, -2], rtol=1e-12)


def test_spread_rows_follow_the_gradients_themselves():
    """k-means++ on the outer products written out, with the same draws."""
    g = np.stack([np.outer(p - np.eye(4)[p.argmax()], f).ravel() for p, f in zip(P, FEATURES, strict=True)])
    chosen = [int(np.argmax(np.where(FREE, (g**2).sum(1), -1)))]
    for key in jax.random.split(KEY, 5):
        nearest = np.min([((g - g[row]) ** 2).sum(1) for row in chosen], 0)
        left = FREE & ~np.isin(np.arange(40), chosen)
        chosen.append(int(jax.random.categorical(key, jnp.where(left, jnp.log(nearest + 1e-20), -jnp.inf))))
    found = spread_rows(KEY, jnp.asarray(FEATURES), jnp.asarray(P), jnp.asarray(FREE), 6)
    assert found.tolist() == chosen and len(set(chosen)) == 6


def test_spread_rows_do_not_take_copies_of_a_row():
    """The trap: the longest gradients are alike, and uncertainty alone takes them all."""
    features = np.concatenate([np.full((20, 2), 3.0), [[-1.0, 2.0], [2.0, -1.0]]])
    p = np.tile([[0.5, 0.5]], (22, 1))
    found = spread_rows(KEY, jnp.asarray(features), jnp.asarray(p), jnp.ones(22, bool), 3)
    assert {20, 21} <= set(found.tolist())


def test_central_rows_are_nearest_to_weighted_centroids():
    """scikit-learn's k-means with weights, from the same centroids."""
    cluster = pytest.importorskip("sklearn.cluster")
    weights = RANDOM.uniform(0.1, 2, 40)
    chances = np.where(FREE, np.log(weights + 1e-20), -np.inf)
    first = np.argsort(-(chances + np.asarray(jax.random.gumbel(KEY, (40,), chances.dtype))))[:4]
    fitted = cluster.KMeans(4, init=FEATURES[first], n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(
        FEATURES[FREE], sample_weight=weights[FREE]
    )
    left, chosen = FREE.copy(), []
    for centre in fitted.cluster_centers_:
        distance = np.where(left, ((FEATURES - centre) ** 2).sum(1), np.inf)
        chosen.append(int(distance.argmin()))
        left[chosen[-1]] = False
    found = central_rows(KEY, jnp.asarray(FEATURES), jnp.asarray(weights), jnp.asarray(FREE), 4)
    assert found.tolist() == chosen and FREE[chosen].all()


def test_rows_without_weight_move_no_centroid():
    """The trap: rows that the classifier is sure of pull a centroid, or make it no number."""
    features = np.array([[0.0], [0.2], [0.1], [90.0]])
    weights = np.array([1.0, 1.0, 1.0, 0.0])
    assert central_rows(KEY, jnp.asarray(features), jnp.asarray(weights), jnp.ones(4, bool), 1).tolist() == [2]
