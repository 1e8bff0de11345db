"""Each transferability score against a computation of another kind: direct optimisation, loops, SciPy, scikit-learn."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tlx import DataError
from tlx.plugins import Registry
from tlx.score import Pair, Transferability

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "scores"})
NAMES = ["a_distance", "frechet", "h_score", "leep", "logme", "mmd", "nce", "transrate"]


def sample(seed: int, rows: int, width: int = 4, apart: float = 2.0, shift: float = 0.0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    y = np.arange(rows, dtype=np.int32) % 3
    centres = np.eye(3, width) * apart
    return (centres[y] + random.normal(size=(rows, width)) + shift).astype(np.float32), y


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(*sample(0, 30), *sample(1, 24, shift=0.5))


def score(name: str, pair: Pair) -> float:
    return REGISTRY.get("scores", name).score(pair)


def test_these_are_registered():
    assert [entry.name for entry in REGISTRY.entries("scores")] == NAMES and not REGISTRY.problems
    assert all(isinstance(REGISTRY.get("scores", name), Transferability) for name in NAMES)


@pytest.mark.parametrize("width", [4, 40])
def test_logme_is_the_maximum_of_the_evidence(width):
    x, y = sample(0, 30, width)

    def best(label: int) -> float:
        target = (y == label).astype(float)

        def loss(logs: np.ndarray) -> float:
            alpha, beta = np.exp(logs)
            covariance = np.eye(len(x)) / beta + x.astype(float) @ x.T / alpha
            return -multivariate_normal.logpdf(target, np.zeros(len(x)), covariance)

        return -min(minimize(loss, start, method="Nelder-Mead").fun for start in ([0.0, 0.0], [3.0, 3.0]))

    expected = np.mean([best(label) for label in range(3)]) / len(x)
    assert score("logme", Pair(x, y)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("width", "ours", "theirs"), [(4, -0.8280, -0.8280), (40, -0.8638, 3.7715)])
def test_logme_of_the_authors_forgets_dimensions_where_features_are_wider_than_rows(width, ours, theirs):
    """`_fit_fixed_point`: log |A| over min(N, D) eigenvalues, so (D - N) / (2 N) log alpha more than the evidence."""
    x, y = sample(0, 30, width, apart=0.5)
    values = np.linalg.eigvalsh(x.astype(float) @ x.T)[-min(width, 30) :]
    totals = []
    for label in range(3):
        target = (y == label).astype(float)

        def loss(logs: np.ndarray, target: np.ndarray = target) -> float:
            alpha, beta = np.exp(logs)
            covariance = np.eye(30) / beta + x.astype(float) @ x.T / alpha
            return -multivariate_normal.logpdf(target, np.zeros(30), covariance)

        best = min(
            (minimize(loss, start, method="Nelder-Mead") for start in ([0.0, 0.0], [3.0, 3.0])), key=lambda r: r.fun
        )
        missing = (width - len(values)) / 2 * best.x[0]
        totals.append((-best.fun / 30, (-best.fun + missing) / 30))
    found = score("logme", Pair(x, y)), np.mean(totals, 0)[1]
    assert found[0] == pytest.approx(np.mean(totals, 0)[0], abs=1e-4)
    assert found[0] == pytest.approx(ours, abs=1e-3)
    # The evidence hardly depends on alpha where features are wider than rows: the CPU's rounding moves the best one.
    assert found[1] == pytest.approx(theirs, abs=0.3 if width > 30 else 1e-3)


def probabilities(pair: Pair) -> np.ndarray:
    assert pair.source is not None and pair.source_y is not None
    scaler = StandardScaler().fit(pair.source)
    model = LogisticRegression(C=0.01, max_iter=200).fit(scaler.transform(pair.source), pair.source_y)
    return model.predict_proba(scaler.transform(pair.target))


def test_leep_by_loops(pair):
    theta, y, rows = probabilities(pair), pair.target_y, len(pair.target_y)
    joint = [[sum(theta[i, z] for i in range(rows) if y[i] == c) / rows for z in range(3)] for c in range(3)]
    total = 0.0
    for i in range(rows):
        total += np.log(sum(joint[y[i]][z] / sum(joint[c][z] for c in range(3)) * theta[i, z] for z in range(3)))
    assert score("leep", pair) == pytest.approx(total / rows)


def test_nce_by_loops(pair):
    z, y, rows = probabilities(pair).argmax(axis=1), pair.target_y, len(pair.target_y)
    total = 0.0
    for c in range(3):
        for k in range(3):
            both, given = np.sum((y == c) & (z == k)), np.sum(z == k)
            total += both / rows * np.log(both / given) if both else 0.0
    assert score("nce", pair) == pytest.approx(total)


def test_h_score_by_covariances(pair):
    x, y = pair.target.astype(float), pair.target_y
    means = np.stack([x[y == label].mean(axis=0) for label in y])
    whole, between = (np.cov(values.T, bias=True) for values in (x, means))
    assert score("h_score", pair) == pytest.approx(np.trace(np.linalg.inv(whole) @ between))


def test_h_score_says_nothing_of_features_wider_than_rows():
    random = np.random.default_rng(0)
    noise = Pair(random.normal(size=(12, 30)), np.arange(12) % 3)
    assert score("h_score", noise) == pytest.approx(2.0)


@pytest.mark.parametrize("width", [4, 40])
def test_transrate_by_determinants(width):
    x, y = sample(0, 30, width)

    def rate(z: np.ndarray) -> float:
        return 0.5 * np.log(np.linalg.eigvalsh(np.eye(width) + z.T @ z / (len(z) * 1e-4))).sum()

    z = x.astype(float) - x.astype(float).mean(axis=0)
    z /= np.sqrt(np.mean([row @ row for row in z]))
    expected = rate(z) - sum(np.mean(y == label) * rate(z[y == label]) for label in range(3))
    assert score("transrate", Pair(x, y)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("counts", "ours", "theirs"),
    [((20, 20), 0.316142, 0.316142), ((1, 100), 0.175424, 8.804294)],
    ids=["balanced", "1:100"],
)
def test_transrate_of_tllib_weighs_classes_alike(counts, ours, theirs):
    """1 / C in place of N_c / N: the same for balanced classes only."""
    random, y = np.random.default_rng(0), np.repeat([0, 1], counts)
    x = random.normal(size=(len(y), 6)) + y[:, None]
    z = x - x.mean(axis=0)
    z /= np.sqrt(np.mean(np.sum(z**2, 1)))

    def rate(z: np.ndarray) -> float:
        return 0.5 * np.log(np.linalg.eigvalsh(np.eye(6) + z.T @ z / (len(z) * 1e-4))).sum()

    parts = [rate(z[y == label]) for label in (0, 1)]
    found = score("transrate", Pair(x, y)), rate(z) - np.mean(parts)
    assert found[0] == pytest.approx(rate(z) - np.average(parts, weights=counts))
    assert found == pytest.approx((ours, theirs), rel=1e-5)


def test_a_distance_is_that_of_the_classifiers_error(pair):
    random = np.random.default_rng(0)
    parts = [np.array_split(x[random.permutation(len(x))], 2) for x in (pair.source, pair.target)]
    scaler = StandardScaler().fit(np.concatenate([parts[0][0], parts[1][0]]))
    model = LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced")
    model.fit(scaler.transform(np.concatenate([part[0] for part in parts])), [0] * 12 + [1] * 15)
    errors = [1 - model.score(scaler.transform(part[1]), [label] * len(part[1])) for label, part in enumerate(parts)]
    assert score("a_distance", pair) == pytest.approx(-2 * (1 - 2 * min(0.5, float(np.mean(errors)))))


def test_mmd_by_loops(pair):
    source, target = pair.source.astype(float), pair.target.astype(float)
    both = [*source, *target]
    between = [np.sum((a - b) ** 2) for i, a in enumerate(both) for j, b in enumerate(both) if i != j]

    def mean(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.mean([np.exp(-np.sum((a - b) ** 2) / np.mean(between)) for a in first for b in second]))

    expected = 2 * mean(source, target) - mean(source, source) - mean(target, target)
    assert score("mmd", pair) == pytest.approx(expected, rel=1e-6)


def test_frechet_by_the_square_root_of_a_matrix(pair):
    source, target = pair.source.astype(float), pair.target.astype(float)
    one, other = np.cov(source.T), np.cov(target.T)
    distance = np.sum((source.mean(axis=0) - target.mean(axis=0)) ** 2)
    distance += np.trace(one + other - 2 * np.real(sqrtm(one @ other)))
    assert score("frechet", pair) == pytest.approx(-distance)


def test_higher_is_more_transferable():
    """Classes far apart in the target, and a source near it, are better in every score."""
    far, near = sample(2, 60, apart=0.5), sample(2, 60, apart=4.0)
    good = Pair(*near, *sample(3, 60, apart=4.0))
    bad = Pair(*far, *sample(3, 60, apart=0.5, shift=3.0))
    for name in NAMES:
        assert score(name, good) > score(name, bad), name


@pytest.mark.parametrize("name", ["a_distance", "frechet", "mmd"])
def test_a_domain_is_at_no_distance_from_itself(name, pair):
    assert score(name, Pair(pair.target, pair.target_y, pair.target, pair.target_y)) == pytest.approx(0, abs=1e-9)


def test_scores_of_domains_need_a_source(pair):
    with pytest.raises(DataError, match="compares domains; expected a source"):
        score("mmd", Pair(pair.target, pair.target_y))
