"""AdaMatch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import parameters, views
from scipy.special import softmax
from states import features, logits, same

from tlx.testing import Probe
from tlx_strategies.adamatch import AdaMatch


def by_hand(probe):
    """p of the source rows, weak ones first; q of the target rows, p of their strong views, and which are sure."""
    batch, keys = probe.batch, jax.random.split(probe.context().key, 5)
    rows = [(batch.source.x, "weak"), (batch.source.x, "strong"), (batch.target.x, "weak"), (batch.target.x, "strong")]
    shown = views(probe, keys[:4], rows)

    def output(x):
        return np.asarray(logits(probe, features(probe, jnp.concatenate(x))), np.float64)

    joint, mix = output(shown), np.asarray(jax.random.uniform(keys[4], (32, 3)))
    source = softmax(mix * joint[:32] + (1 - mix) * output(shown[:2]), 1)
    weak, strong = softmax(joint[32:48], 1), softmax(joint[48:], 1)
    q = weak * source[:16].mean(0) / weak.mean(0)
    q /= q.sum(1, keepdims=True)
    return source, q, strong, q.max(1) >= 0.9 * source[:16].max(1).mean()


def begun():
    probe = Probe(AdaMatch(threshold=0.9))
    probe.begin()
    return probe


@pytest.mark.slow
def test_by_hand():
    """The traps: an absolute threshold; pseudo-labels that pass a gradient; the target's weight from the start."""
    probe = begun()
    batch, (source, q, strong, sure) = probe.batch, by_hand(probe)
    assert probe.phases[0].batch == {"target": 3} and 0 < sure.sum()
    task = -2 * np.mean(np.log(source[np.arange(32), np.tile(batch.source.y, 2)]))
    gap = -np.mean(sure * np.sum(q * np.log(strong), 1))
    for progress, weight in ((0.0, 0.0), (0.25, 0.5), (0.75, 1.0)):
        assert probe.value(progress=progress)[0] == pytest.approx(task + weight * gap, rel=1e-3)


def test_the_papers_terms_are_not_those_of_the_authors_code():
    """There the source's term is halved, exactly, and the target's label is argmax q."""
    probe = begun()
    source, q, strong, sure = by_hand(probe)
    weak_and_strong = np.log(source[np.arange(32), np.tile(probe.batch.source.y, 2)]).reshape(2, 16)
    theirs = -0.5 * np.sum(weak_and_strong.mean(1))
    hard = -np.mean(sure * np.log(strong[np.arange(16), q.argmax(1)]))
    soft = -np.mean(sure * np.sum(q * np.log(strong), 1))
    _, metrics = probe.value()
    assert metrics["task"] == pytest.approx(2 * theirs, rel=1e-3)
    assert metrics["consistency"] == pytest.approx(soft, rel=1e-3)
    assert hard / soft == pytest.approx(0.884, abs=0.005)


def test_the_average_of_the_students_alone_predicts():
    probe = Probe(AdaMatch(decay=0.9))
    probe.begin()
    after = probe.step()
    jax.tree.map(
        lambda t, s: np.testing.assert_allclose(t, s, rtol=1e-5),
        parameters(after, who="teacher_"),
        parameters(after),
    )
    assert same(after.stats["features"].values, after.stats["teacher_features"].values)
