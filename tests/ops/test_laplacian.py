from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, softmax

from tlx import ops

laplacian_adjusted: Any = ops.laplacian_adjusted
neighbour_affinity: Any = ops.neighbour_affinity

RANDOM: Any = np.random.default_rng(0)
FEATURES, LOGITS = RANDOM.normal(size=(9, 4)), RANDOM.normal(size=(9, 3))


def test_affinity_is_of_the_nearest_by_cosine():
    distances = cdist(FEATURES, FEATURES, "cosine")
    np.fill_diagonal(distances, np.inf)
    expected = np.zeros((9, 9))
    for i, row in enumerate(distances):
        expected[i, np.argsort(row)[:2]] = 1
    np.testing.assert_array_equal(neighbour_affinity(FEATURES, 2), expected)


def test_affinity_of_a_batch_smaller_than_its_neighbourhood():
    """The trap: the last, short batch of a stream."""
    np.testing.assert_array_equal(neighbour_affinity(FEATURES[:3], 5), 1 - np.eye(3))


def test_iteration_by_hand():
    affinity: Any = np.asarray(neighbour_affinity(FEATURES, 2))
    z = softmax(LOGITS, 1)
    for _ in range(3):
        z = np.stack([softmax(np.log(softmax(row)) + w @ z) for row, w in zip(LOGITS, affinity, strict=True)])
    np.testing.assert_allclose(
        np.exp(laplacian_adjusted(jnp.asarray(log_softmax(LOGITS, 1)), affinity, 3)), z, rtol=1e-9
    )


def test_iterations_lower_the_objective():
    """With a positive semi-definite affinity each step goes down to a point where the next changes nothing."""
    affinity, log_p = FEATURES @ FEATURES.T / 4, log_softmax(LOGITS, 1)

    def objective(log_z):
        z = np.exp(log_z)
        return np.sum(z * (log_z - log_p)) - np.sum(affinity * (z @ z.T)) / 2

    values = [objective(np.asarray(laplacian_adjusted(log_p, affinity, n))) for n in (0, 1, 2, 5, 200, 201)]
    assert values[0] > values[1] > values[2] > values[3] >= values[4]
    assert abs(values[4] - values[5]) < 1e-9


def test_no_neighbours_change_nothing():
    log_p = log_softmax(LOGITS, 1)
    np.testing.assert_allclose(laplacian_adjusted(log_p, jnp.zeros((9, 9))), log_p, rtol=1e-12)
