"""Adversarial support alignment."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import log_expit
from states import critic, cross_entropy, logits, moved, same, together

from tlx.testing import Probe
from tlx_strategies.asa import ASA


def probed(**settings):
    probe = Probe(ASA(hidden=(6,), **settings))
    probe.begin()
    return probe


def judged(probe):
    return [np.asarray(critic(probe.state.params["critic"], np.float32(z)), np.float64)[:, 0] for z in together(probe)]


def distance(s, t, squared=False):
    gaps = cdist(s[:, None], t[:, None], "sqeuclidean" if squared else "cityblock")
    return gaps.min(1).mean() + gaps.min(0).mean()


def test_the_discriminator_alone_learns_to_tell_the_domains():
    probe = probed()
    s, t = judged(probe)
    expected = -(np.mean(log_expit(s)) + np.mean(log_expit(-t))) / 2
    assert probe.value(0)[0] == pytest.approx(expected, rel=1e-4)
    assert moved(probe.state, probe.step(objectives=(0,))) == {"critic"}
    assert same(probe.seen(0).stats, probe.state.stats) and same(probe.seen(0).extra, probe.state.extra)


@pytest.mark.parametrize("kind", ["abs", "squared"])
def test_supports_are_those_of_the_batch_and_of_what_came_before(kind):
    """The traps: means for supports; a history of the batch itself; one domain's outputs in the other's history."""
    probe = probed(weight=0.7, ramp=0.8, history=20, distance=kind)
    s, t = judged(probe)
    (z, _), y = together(probe), probe.batch.source.y
    task = cross_entropy(logits(probe, z), y)
    expected = distance(s, t, kind == "squared")
    loss, metrics = probe.value(1, progress=0.4)
    assert metrics["support"] == pytest.approx(expected, rel=1e-3)
    assert loss == pytest.approx(task + 0.7 * 0.5 * expected, rel=1e-3)
    assert moved(probe.state, probe.step(objectives=(1,))) == {"features", "head"}

    probe.state = probe.seen(1)  # the batch is in the histories now
    for name, own in (("source", s), ("target", t)):
        history = probe.state.extra[f"{name}_history"]
        np.testing.assert_allclose(np.asarray(history.value)[np.asarray(history.there)], own, rtol=1e-4, atol=1e-5)
    moved_on = probe.state.params["critic"]["layers"][1]
    moved_on["bias"] = moved_on["bias"] + 0.3
    later = [np.concatenate([before, before + 0.3]) for before in (s, t)]
    expected = distance(later[0], later[1], kind == "squared")
    assert probe.value(1)[1]["support"] == pytest.approx(expected, rel=1e-3)


def test_how_often_does_not_matter():
    """The point: unequal shares of equal supports cost nothing, where a distribution's distance is large."""
    probe = probed()
    source = probe.batch.source
    rows = np.asarray([0] * 11 + [1] * 5), np.asarray([0] * 2 + [1] * 14)
    target = probe.batch.target._replace(x=source.x[rows[1]])
    probe.batch = probe.batch._replace(source=source._replace(x=source.x[rows[0]]), target=target)
    assert len(source.y) == 16 and probe.value(1)[1]["support"] == pytest.approx(0, abs=1e-5)
