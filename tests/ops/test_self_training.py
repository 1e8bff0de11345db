"""Labels, neighbours, graphs and reliable rows against scipy, scikit-learn and loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, cosine
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from sklearn.neighbors import NearestNeighbors

from tlx import ops
from tlx.errors import SettingError

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
def test_centroid_labels_are_the_transcriptions(seed):
    features, logits = rows(seed)
    expected = by_scipy(features, logits)
    assert len(set(expected)) == 3, "no class is empty here: the transcription would divide by 0"
    np.testing.assert_array_equal(centroid_labels(features, logits), expected)


@given(st.integers(0, 2**32 - 1))
def test_centroid_labels_follow_an_order_of_rows_and_of_classes(seed):
    features, logits = rows(seed)
    random = np.random.default_rng(seed)
    order, names = random.permutation(30), random.permutation(3)
    labels = np.asarray(centroid_labels(features, logits))
    np.testing.assert_array_equal(centroid_labels(features[order], logits[order]), labels[order])
    np.testing.assert_array_equal(names[np.asarray(centroid_labels(features, logits[:, names]))], labels)


def test_centroid_labels_correct_the_classifier_by_the_clusters():
    """Two clear clusters; the classifier errs on a row of the first: the centroid takes it back."""
    features = np.array([[5.0, 0], [4, 0], [6, 0], [0, 5], [0, 4], [0, 6]])
    logits = np.array([[2.0, 0], [2, 0], [0, 1], [0, 2], [0, 2], [0, 2]])
    assert np.argmax(logits, 1).tolist() == [0, 0, 1, 1, 1, 1]
    assert np.asarray(centroid_labels(features, logits)).tolist() == [0, 0, 0, 1, 1, 1]


def test_an_empty_class_is_no_centroid_label():
    """The trap: a class without rows has the zero centroid, nearer to an outlier than the centroids that there are."""
    features = np.array([[10.0, 0], [10, 0], [10, 0], [-10, 0]], np.float32)
    logits = np.tile(np.array([0, -1e4], np.float32), (4, 1))
    assert np.asarray(centroid_labels(features, logits)).tolist() == [0, 0, 0, 0]


def by_the_authors(features: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SHOT's `obtain_label`, both rounds: 1e-8 is added to the masses, and no class is left out."""
    f = np.concatenate([features, np.ones((len(features), 1))], 1)
    f, weights, rounds = f / np.linalg.norm(f, axis=1, keepdims=True), softmax(logits, 1), []
    for _ in range(2):
        centroids = weights.T @ f / (1e-8 + weights.sum(0))[:, None]
        with np.errstate(invalid="ignore"):
            centroids = centroids / np.linalg.norm(centroids, axis=1, keepdims=True)
            rounds.append((1 - f @ centroids.T).argmin(1))
        weights = np.eye(weights.shape[1])[rounds[-1]]
    return rounds[0], rounds[1]


def test_an_empty_class_takes_every_row_in_the_authors_code():
    """The zero centroid's cosine is NaN, which NumPy's argmin takes. With no class empty, the two agree."""
    features, logits = rows(0)
    np.testing.assert_array_equal(by_the_authors(features, logits)[1], centroid_labels(features, logits))
    features = np.concatenate([np.tile([[5.0, 0.0]], (20, 1)), np.tile([[0.0, 5.0]], (20, 1))])
    logits = np.concatenate([np.tile([[4.0, 0.0, 1.0]], (20, 1)), np.tile([[0.0, 4.0, 1.0]], (20, 1))])
    first, second = by_the_authors(features, logits)
    assert np.bincount(first, minlength=3).tolist() == [20, 20, 0] and np.bincount(second).tolist() == [0, 0, 40]
    found = np.asarray(centroid_labels(features, logits))
    assert np.bincount(found, minlength=3).tolist() == [20, 20, 0]


def test_a_class_of_hardly_any_mass_has_a_centroid_in_the_authors_code_alone():
    """A mass of 1e-42, all on the rows between the two clusters: its direction counts there, here it is lost."""
    features = np.repeat([[5.0, 0.0], [0.0, 5.0], [5.0, 5.0]], [14, 14, 4], axis=0)
    logits = np.repeat([[4.0, 0.0, -200.0], [0.0, 4.0, -200.0], [0.1, 0.0, -97.0]], [14, 14, 4], axis=0)
    assert softmax(logits, 1)[:, 2].sum() < 1e-40
    assert np.bincount(by_the_authors(features, logits)[1]).tolist() == [14, 14, 4]
    assert np.bincount(centroid_labels(features, logits), minlength=3).tolist() == [18, 14, 0]
    logits[-4:, 2] = -20.0
    assert np.bincount(centroid_labels(features, logits)).tolist() == [14, 14, 4]


def test_aligned_predictions_are_as_frequent_as_the_sources():
    random = np.random.default_rng(0)
    p, q = (np.asarray(softmax(random.normal(size=(7, 4)), 1)) for _ in range(2))
    expected = np.stack([row * q.mean(0) / p.mean(0) for row in p])
    expected /= expected.sum(1, keepdims=True)
    align = jax.jit(ops.align_distribution)
    np.testing.assert_allclose(align(p, q), expected)
    np.testing.assert_allclose(align(p, p[::-1]), p)


neighbours = jax.jit(ops.neighbour_probabilities, static_argnums=4)
sharpened = jax.jit(ops.sharpened)
DRAWN = np.random.default_rng(0)
BANK = DRAWN.normal(size=(12, 3))
BANK /= np.linalg.norm(BANK, axis=1, keepdims=True)
P = DRAWN.dirichlet(np.ones(4), 12)


@pytest.mark.parametrize(
    ("rows", "count", "told"),
    [
        (3, 5, "neighbours is 5, of the 2 other train rows of the target; expected from 1 to 2"),
        (3, 0, "neighbours is 0, of the 2 other train rows"),
        (1, 1, "expected a target of two train rows or more"),
    ],
)
def test_there_are_as_many_neighbours_as_other_rows(rows, count, told):
    with pytest.raises(SettingError, match=told):
        neighbours(BANK[:1], np.array([0]), BANK[:rows], P[:rows], count)


def test_neighbours_are_sklearns_without_the_row_itself():
    """The trap: a row that is its own nearest neighbour, and so confirms what it said before."""
    index = np.array([3, 0, 7])
    found = neighbours(BANK[index], index, BANK, P, 4)
    nearest = NearestNeighbors(n_neighbors=5, metric="cosine").fit(BANK).kneighbors(BANK[index], return_distance=False)
    assert (nearest[:, 0] == index).all()
    np.testing.assert_allclose(found, P[nearest[:, 1:]].mean(1))


def test_the_own_entry_is_left_out_by_place_not_by_nearness():
    index = np.array([5])
    found = neighbours(BANK[[2]], index, BANK, P, 1)
    np.testing.assert_allclose(found, P[[2]], err_msg="entry 2 is not its own here")


def test_sharpening_gives_every_class_the_same_mass():
    q = np.asarray(sharpened(P))
    np.testing.assert_allclose(q.sum(0), 1)
    np.testing.assert_allclose(q, P**2 / np.sum(P**2, axis=0))
    assert np.isfinite(np.asarray(sharpened(np.zeros((2, 3))))).all()


laplacian_adjusted = jax.jit(ops.laplacian_adjusted)
neighbour_affinity = jax.jit(ops.neighbour_affinity, static_argnums=1)
RANDOM = np.random.default_rng(0)
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


def test_laplacian_iteration_by_hand():
    affinity = np.asarray(neighbour_affinity(FEATURES, 2))
    z = softmax(LOGITS, 1)
    for _ in range(3):
        z = np.stack([softmax(np.log(softmax(row)) + w @ z) for row, w in zip(LOGITS, affinity, strict=True)])
    np.testing.assert_allclose(
        np.exp(laplacian_adjusted(jnp.asarray(log_softmax(LOGITS, 1)), affinity, 3)), z, rtol=1e-9
    )


def test_laplacian_iterations_lower_the_objective():
    """With a positive semi-definite affinity each step goes down to a point where the next changes nothing."""
    affinity, log_p = FEATURES @ FEATURES.T / 4, log_softmax(LOGITS, 1)

    def objective(log_z):
        z = np.exp(log_z)
        return np.sum(z * (log_z - log_p)) - np.sum(affinity * (z @ z.T)) / 2

    values = [objective(np.asarray(laplacian_adjusted(log_p, affinity, n))) for n in (0, 1, 2, 5, 200, 201)]
    assert values[0] > values[1] > values[2] > values[3] >= values[4]
    assert abs(values[4] - values[5]) < 1e-9


def test_without_neighbours_predictions_stay():
    log_p = log_softmax(LOGITS, 1)
    np.testing.assert_allclose(laplacian_adjusted(log_p, jnp.zeros((9, 9))), log_p, rtol=1e-12)


reliable_weights = jax.jit(ops.reliable_weights)
SPREAD = np.random.default_rng(0).normal(0, 3, (40, 5))


def test_reliable_weights_are_a_loop_over_the_rows():
    seen = np.asarray(softmax(np.array([2.0, 0, 0, 0, 0])))
    limit, expected = 0.5 * np.log(5), []
    for p in softmax(SPREAD, 1):
        kept = entropy(p) < limit and abs(1 - cosine(p, seen)) < 0.6
        expected.append(np.exp(limit - entropy(p)) if kept else 0)
    assert 0 < np.count_nonzero(expected) < 40
    np.testing.assert_allclose(reliable_weights(jnp.asarray(SPREAD), seen, 0.5, 0.6), expected, rtol=1e-9)


def test_nothing_seen_leaves_no_row_out():
    """The trap: a cosine to the zero vector, which is NaN and refuses every row of the first batch."""
    weights = reliable_weights(jnp.asarray(SPREAD), jnp.zeros(5), 1.0, 0.01)
    assert np.isfinite(weights).all() and (weights >= 1).all()


def test_reliable_entropy_is_weighed_and_remembers_the_kept_rows():
    """The traps: a mean over all rows; a memory that rows which are left out move; one that starts at zero."""
    p, seen = softmax(SPREAD, 1), np.asarray(softmax(np.array([2.0, 0, 0, 0, 0])))
    weights = np.asarray(reliable_weights(jnp.asarray(SPREAD), seen, 0.5, 0.6))
    kept = weights > 0
    value, moved, share = jax.jit(ops.reliable_entropy)(jnp.asarray(SPREAD), seen, 0.5, 0.6)
    assert float(value) == pytest.approx(np.sum(weights * entropy(p, axis=1)) / kept.sum())
    np.testing.assert_allclose(moved, 0.9 * seen + 0.1 * p[kept].mean(0), rtol=1e-9)
    assert float(share) == pytest.approx(kept.mean())
    first = ops.reliable_entropy(jnp.asarray(SPREAD), jnp.zeros(5), 0.5, 0.6)[1]
    np.testing.assert_allclose(first, p[entropy(p, axis=1) < 0.5 * np.log(5)].mean(0), rtol=1e-9)
    none = ops.reliable_entropy(jnp.asarray(SPREAD), jnp.asarray(seen), 0.0, 0.6)
    assert float(none[0]) == 0 and np.array_equal(none[1], seen)
