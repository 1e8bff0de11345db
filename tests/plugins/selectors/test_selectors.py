"""Each selector against loops, or against a solver that is not the one it uses."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

from tlx.plugins import Registry
from tlx.score import Evidence, Sample, judge, pick

CLASSES, ROWS, WIDTH = 4, 40, 6
REGISTRY = Registry.load(environ={"TLX_PLUGINS": "selectors"})


def selector(name):
    return REGISTRY.get("selectors", name)


def make(seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    y = np.arange(ROWS) % CLASSES
    centres = 3 * rng.normal(size=(CLASSES, WIDTH))

    def features(shift):
        return (centres[y] + noise * rng.normal(size=(ROWS, WIDTH)) + shift).astype(np.float32)

    def logits():
        return (3 * np.eye(CLASSES)[y] + 2 * noise * rng.normal(size=(ROWS, CLASSES))).astype(np.float32)

    order = rng.permutation(ROWS)
    sample = Sample(
        train_features=features(0.0),
        val_features=features(0.0),
        val_logits=logits(),
        val_y=y,
        target_features=features(0.7),
        target_logits=logits(),
        mixed_logits=logits(),
        mixed_rows=np.stack([order, np.roll(order, 1)], axis=1),
    )
    return Evidence(3, 0.5, logits(), y, logits(), None, sample)


@pytest.fixture(params=[0, 1, 2], ids="seed {}".format)
def evidence(request):
    return make(request.param)


def probabilities(logits):
    rows = [[np.exp(float(value)) for value in row] for row in logits]
    return np.array([[value / sum(row) for value in row] for row in rows])


def ratios(sample):
    """The density ratio at the validation rows, with the logistic regression by BFGS on its own objective."""
    both = np.concatenate([sample.train_features, sample.target_features]).astype(np.float64)
    centre = both.mean(axis=0)
    length = np.sqrt(np.mean([np.dot(row - centre, row - centre) for row in both]))
    x, side = (both - centre) / length, np.repeat([-1.0, 1.0], ROWS)

    def loss(theta):
        return np.logaddexp(0, -side * (x @ theta[:-1] + theta[-1])).sum() + theta[:-1] @ theta[:-1] / 2

    theta = minimize(loss, np.zeros(WIDTH + 1), method="BFGS", options={"gtol": 1e-9}).x
    return np.exp((sample.val_features - centre) / length @ theta[:-1] + theta[-1])


def test_importance_weighted_validation(evidence):
    sample = evidence.sample
    wrong = sample.val_logits.argmax(1) != sample.val_y
    expected = -sum(weight for weight, miss in zip(ratios(sample), wrong, strict=True) if miss) / ROWS
    assert wrong.any() and selector("iwv").score(evidence) == pytest.approx(expected, rel=1e-3)


def test_deep_embedded_validation(evidence):
    sample = evidence.sample
    weights = ratios(sample)
    losses = weights * (sample.val_logits.argmax(1) != sample.val_y)
    shared = sum((a - losses.mean()) * (b - weights.mean()) for a, b in zip(losses, weights, strict=True))
    eta = -shared / sum((b - weights.mean()) ** 2 for b in weights)
    expected = -(losses.mean() + eta * weights.mean() - eta)
    assert selector("dev").score(evidence) == pytest.approx(expected, rel=1e-3)


def test_dev_without_a_spread_of_weights_is_the_plain_error(evidence):
    same = dataclasses.replace(evidence.sample, target_features=evidence.sample.train_features)
    error = (same.val_logits.argmax(1) != same.val_y).mean()
    found = selector("dev").score(dataclasses.replace(evidence, sample=same))
    assert np.allclose(same.weights, 1) and found == pytest.approx(-error, abs=1e-6)


def test_entropy_and_information(evidence):
    p = probabilities(evidence.target_logits)
    entropy = np.mean([-sum(value * np.log(value) for value in row) for row in p])
    mean = [sum(row[c] for row in p) / ROWS for c in range(CLASSES)]
    assert selector("entropy").score(evidence) == pytest.approx(-entropy, rel=1e-6)
    information = -sum(value * np.log(value) for value in mean) - entropy
    assert selector("im").score(evidence) == pytest.approx(information, rel=1e-5)


def test_entropy_of_skada_is_a_share_of_it(evidence):
    """Its PredictionEntropyScorer takes the mean over rows and classes."""
    p = probabilities(evidence.target_logits)
    assert selector("entropy").score(evidence) == pytest.approx(CLASSES * np.mean(p * np.log(p)), rel=1e-6)


def test_nuclear_norm(evidence):
    p = probabilities(evidence.target_logits)
    expected = np.sqrt(np.linalg.eigvalsh(p.T @ p)).sum() / ROWS
    assert selector("bnm").score(evidence) == pytest.approx(expected, rel=1e-6)


def test_soft_neighbourhood_density(evidence):
    p = probabilities(evidence.target_logits)
    unit = [row / np.sqrt(row @ row) for row in p]
    entropies = []
    for i, row in enumerate(unit):
        powers = [np.exp(row @ other / 0.05) for j, other in enumerate(unit) if j != i]
        entropies.append(-sum(power / sum(powers) * np.log(power / sum(powers)) for power in powers))
    assert selector("snd").score(evidence) == pytest.approx(np.mean(entropies), rel=1e-5)


def test_soft_neighbourhood_density_is_of_500_rows():
    """pytorch-adapt takes all 2,000."""
    logits = np.random.default_rng(0).normal(size=(2000, CLASSES))
    some = np.unique(np.linspace(0, 1999, 500).astype(int))

    def density(logits):
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        unit = p / np.sqrt((p**2).sum(1, keepdims=True))
        powers = np.exp(unit @ unit.T / 0.05) * (1 - np.eye(len(p)))
        s = powers / powers.sum(1, keepdims=True) + np.eye(len(p))
        return -np.mean(np.sum((s * np.log(s)), 1))

    found = selector("snd").score(dataclasses.replace(make(0), target_logits=np.float32(logits)))
    assert found == pytest.approx(density(logits[some]), rel=1e-5)
    assert (found, density(logits)) == pytest.approx((4.7235, 6.1359), abs=1e-4)


def test_class_clusters(evidence):
    x = evidence.sample.target_features.astype(np.float64)
    x = np.array([row / np.linalg.norm(row) for row in x])
    of = evidence.sample.target_logits.argmax(1)
    values = []
    for i in range(ROWS):
        apart = np.array([np.linalg.norm(x[i] - row) for row in x])
        own = [j for j in range(ROWS) if of[j] == of[i] and j != i]
        others = [apart[of == c].mean() for c in set(of.tolist()) - {of[i]}]
        values.append((min(others) - apart[own].mean()) / max(min(others), apart[own].mean()) if own else 0.0)
    assert selector("cluster").score(evidence) == pytest.approx(np.mean(values), rel=1e-5)


def test_reverse_validation(evidence):
    sample = evidence.sample
    x = sample.target_features.astype(np.float64)
    centre = x.mean(axis=0)
    length = np.sqrt(np.mean([np.dot(row - centre, row - centre) for row in x]))
    x, labels = (x - centre) / length, np.eye(CLASSES)[sample.target_logits.argmax(1)]
    kernel = np.linalg.inv(x.T @ x + np.eye(WIDTH)) @ x.T @ (labels - labels.mean(axis=0))
    told = ((sample.val_features - centre) / length @ kernel + labels.mean(axis=0)).argmax(axis=1)
    hits = sum(int(a == b) for a, b in zip(told, sample.val_y, strict=True))
    assert selector("reverse").score(evidence) == pytest.approx(hits / ROWS)


def test_mixed_images(evidence):
    sample = evidence.sample
    kinds = {True: [], False: []}
    for (first, second), logits in zip(sample.mixed_rows, sample.mixed_logits, strict=True):
        a, b = (int(np.argmax(sample.target_logits[row])) for row in (first, second))
        kinds[a == b].append(int(np.argmax(logits)) == a)
    assert selector("mixval").score(evidence) == pytest.approx((np.mean(kinds[True]) + np.mean(kinds[False])) / 2)


NAMES = [entry.name for entry in REGISTRY.entries("selectors")]
PLAIN = [name for name in NAMES if not name.startswith("oracle")]


@pytest.mark.parametrize("name", ["entropy", "im", "bnm"])
def test_certain_predictions_are_picked(name):
    seen = [make(5), make(5)]
    seen[0].target_logits[:] *= 3
    assert pick(judge(selector(name), seen)) == 0


@pytest.mark.parametrize("name", PLAIN)
def test_a_run_that_diverged_has_the_worst_score_and_no_error(name):
    good, bad = make(0), make(0)
    for value in (*vars(bad.sample).values(), bad.target_logits, bad.source_logits):
        if value.dtype == np.float32:
            value[::2] = np.nan
    values = judge(selector(name), [good, bad])
    assert np.isfinite(values[0])
    if name != "last":
        assert pick(values) == 0


@pytest.mark.parametrize("name", PLAIN)
def test_one_class_for_all_rows_is_no_error(name):
    evidence = make(0)
    assert evidence.sample
    for logits in (evidence.target_logits, evidence.sample.target_logits, evidence.sample.mixed_logits):
        logits[:] = [50.0, 0.0, 0.0, 0.0]
    judge(selector(name), [evidence])


def test_selectors_that_read_features_are_not_asked_without_any():
    bare = dataclasses.replace(make(0), sample=None)
    for name in PLAIN:
        assert np.isnan(judge(selector(name), [bare])[0]) == selector(name).uses_features


def test_the_mean_per_class_may_be_selected_by():
    """Of 9 rows of one class and 1 of another, the first evaluation meets 9 and 0, the second 7 and 1."""
    y = np.array([0] * 9 + [1])
    told = [np.zeros(10, int), np.array([0] * 7 + [1] * 3)]
    seen = [
        dataclasses.replace(make(0), source_logits=np.eye(2)[own], source_y=y, target_logits=np.eye(2)[own], target_y=y)
        for own in told
    ]
    for plain, by_class in (("source-val", "source-val-per-class"), ("oracle", "oracle-per-class")):
        assert [pick(judge(selector(name), seen)) for name in (plain, by_class)] == [0, 1]
        assert judge(selector(by_class), seen) == pytest.approx([0.5, (7 / 9 + 1) / 2])
        assert selector(by_class).uses_target_labels == selector(plain).uses_target_labels


def test_which_selectors_are_for_real_targets():
    names = [entry.name for entry in REGISTRY.entries("selectors")]
    real = {name for name in names if "real" in selector(name).targets}
    assert real == {"last", "source-val", "iwv", "dev", "oracle"}
    assert all("classes" in selector(name).targets for name in names)


def test_importance_weighting_of_real_targets_is_of_the_squared_error(evidence):
    rng = np.random.default_rng(7)
    outputs, y = rng.normal(size=(ROWS, 2)).astype(np.float32), rng.normal(size=(ROWS, 2)).astype(np.float32)
    sample = dataclasses.replace(evidence.sample, val_logits=outputs, val_y=y)
    seen = dataclasses.replace(evidence, sample=sample, target_kind="real")
    losses = [
        np.mean([(float(a) - float(b)) ** 2 for a, b in zip(o, t, strict=True)])
        for o, t in zip(outputs, y, strict=True)
    ]
    weights = ratios(sample)
    risk = np.mean([w * loss for w, loss in zip(weights, losses, strict=True)])
    assert judge(selector("iwv"), [seen])[0] == pytest.approx(-risk, rel=1e-3)
    eta = -np.cov(weights * losses, weights)[0, 1] / np.var(weights, ddof=1)
    assert judge(selector("dev"), [seen])[0] == pytest.approx(-(risk + eta * np.mean(weights) - eta), rel=1e-3)
