"""Adversarial reweighting."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from states import critic, features, logits, moved

from tlx.testing import Probe
from tlx_strategies.ar import AR


def sphere(z):
    return 3 * z / np.linalg.norm(z, axis=1, keepdims=True)


def probed(**settings):
    probe = Probe(AR(hidden=(6,), length=3.0, **settings))
    probe.begin()
    return probe


def test_rows_that_the_critic_tells_from_the_target_count_less():
    """The trap: the sign of the critic, by which the rows that look least like the target would count most."""
    probe = probed(radius=1.5)
    before = probe.state
    probe.state = probe.step(5, objectives=(0,))
    assert moved(before, probe.state) == {"critic"}
    judged = {
        name: np.asarray(critic(probe.state.params["critic"], sphere(features(probe, probe.rows[name].x, train=False))))
        for name in ("source", "target")
    }
    w = np.asarray(probe.refresh().extra["weights"])
    ordered = w[np.argsort(judged["source"][:, 0])]
    assert (np.diff(ordered) <= 1e-6).all() and w.sum() == pytest.approx(len(w), rel=1e-5)
    assert np.mean((w - 1) ** 2) == pytest.approx(1.5, rel=1e-4)
    np.testing.assert_array_equal(probe.refresh(progress=0.0).extra["weights"], 1.0)
    assert probe.value(0)[1]["distance"] > probe.value(0, state=before)[1]["distance"]


def test_learns_from_the_weighted_source_and_sharpens_the_target():
    probe = probed(entropy=0.4)
    w = np.random.default_rng(1).uniform(size=24)
    probe.state = probe.state.put(weights=jnp.float32(w))
    batch = probe.batch
    z, t = (sphere(np.asarray(features(probe, rows.x))) for rows in (batch.source, batch.target))
    log_p, y = log_softmax(np.float64(logits(probe, z)), axis=1), np.asarray(batch.source.y)
    own = w[np.asarray(batch.source.index)]
    unsure = np.mean(entropy(softmax(np.float64(logits(probe, t)), axis=1), axis=1))
    expected = np.sum(own * -log_p[np.arange(len(y)), y]) / own.sum() + 0.4 * unsure
    assert probe.value(1)[0] == pytest.approx(expected, rel=1e-4)


def test_the_entropy_moves_no_classifier():
    probe = probed(entropy=50.0)
    plain = probed(entropy=0.0)
    np.testing.assert_allclose(probe.slope(1)["head"]["kernel"], plain.slope(1)["head"]["kernel"], atol=1e-6)
    assert np.abs(probe.slope(1)["features"]["fc"]["kernel"] - plain.slope(1)["features"]["fc"]["kernel"]).max() > 1e-3
