"""Self-ensembling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import parameters, probabilities, views
from scipy.special import softmax
from states import MOMENTUM, features, linear, logits, running, same

from tlx.testing import Probe
from tlx_strategies.mean_teacher import MeanTeacher


def probed(**settings: float) -> Probe:
    probe = Probe(MeanTeacher(**settings))
    probe.begin()
    return probe


def seen(probe: Probe) -> list[jax.Array]:
    """The views of a step: the source's, the target's, and the target's for the teacher."""
    batch = probe.batch
    rows = [(batch.source.x, "weak"), (batch.target.x, "weak"), (batch.target.x, "weak")]
    return views(probe, jax.random.split(probe.context().key, 3), rows)


def test_follows_slowly():
    """The trap: a teacher that gets gradients or copies the student."""
    probe = probed(decay=0.75, threshold=0.0)
    before, after = probe.state, probe.step()
    expected = jax.tree.map(lambda t, s: 0.75 * t + 0.25 * s, parameters(before), parameters(after))
    jax.tree.map(lambda t, e: np.testing.assert_allclose(t, e, rtol=1e-6), parameters(after, who="teacher_"), expected)
    assert not same(parameters(after), parameters(before))


def test_normalises_each_domain_by_itself():
    """The traps: one pass for both domains; a teacher that takes over the student's statistics.

    The student's running mean takes the source's mean and then the target's; the teacher's takes the target's only.
    """
    probe = probed()
    dense, after = probe.state.params["features"]["fc"], probe.seen()
    source, target, other = (np.asarray(linear(dense, x.reshape(len(x), -1))).mean(0) for x in seen(probe))
    student = MOMENTUM * (1 - MOMENTUM) * source + (1 - MOMENTUM) * target
    np.testing.assert_allclose(running(after), student, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(running(after, "teacher_features"), (1 - MOMENTUM) * other, rtol=1e-4, atol=1e-6)


def test_scores_the_teacher():
    """The trap: the student is what is evaluated. With decay 1 the teacher never moves, the student does."""
    probe = probed(decay=1.0)
    before, after, x = probe.state, probe.step(3), probe.batch.target.x
    assert not same(parameters(before), parameters(after))
    assert same(parameters(before), parameters(after, who="teacher_"))
    z = features(probe, x, state=after, net="teacher_features", train=False)
    expected = logits(probe, z, "teacher_head", state=after)
    np.testing.assert_allclose(probe.predict(state=after), expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(expected, logits(probe, features(probe, x, state=after, train=False), state=after))


def test_trusts_confident_rows_only():
    """The trap: a threshold on the student, or a mean over the confident rows only, as the paper's is over all rows."""
    probe = probed(threshold=0.6)
    none, some, every = (probed(threshold=t).value()[1] for t in (1.0, 0.6, 0.0))
    assert none["consistency"] == 0 and none["confident"] == 0 and every["confident"] == 1
    assert 0 < some["confident"] < 1
    _, student, teacher = seen(probe)
    p, q = (probabilities(probe, x) for x in (student, teacher))
    gaps = np.mean((p - q) ** 2, 1)
    assert gaps.max() > 0, "two augmentations of a row differ"
    assert some["consistency"] == pytest.approx(np.mean(gaps * (q.max(1) > 0.6)), rel=1e-3)
    loss, metrics = probe.value()
    assert loss == pytest.approx(metrics["task"] + 3 * some["consistency"], rel=1e-5)


def test_class_balance_is_added_inside_the_weight():
    probe, plain = probed(threshold=0.0, balance=0.5), probed(threshold=0.0)
    mean = softmax(np.float64(logits(probe, features(probe, seen(probe)[1]))), 1).mean(0)
    even = -np.sum(np.log(mean) / 3 + 2 / 3 * np.log(1 - mean))
    assert probe.value()[0] - plain.value()[0] == pytest.approx(3 * 0.5 * even, rel=1e-3)
    assert jnp.ndim(probe.state.extra["teacher_mass"]) == 0
