"""Partial adversarial domain adaptation."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from tlx.testing import Probe
from tlx_strategies.dann import DANN
from tlx_strategies.pada import PADA


def probed(kind, **settings):
    probe = Probe(kind(hidden=(4,), **settings))
    probe.begin()
    return probe


def test_weights_are_how_often_the_target_is_taken_for_a_class():
    """The trap: weights that grow with the classes that the target lacks, or are known before the first round."""
    probe = probed(PADA)
    p = softmax(np.asarray(probe.predict(probe.rows["target"].x)), axis=1).mean(0)
    np.testing.assert_allclose(probe.refresh(progress=0.5).extra["weights"], p / p.max(), rtol=1e-4)
    np.testing.assert_array_equal(probe.refresh(progress=0.0).extra["weights"], 1.0)


def test_without_weights_it_is_dann():
    assert probed(PADA, weight=0.7).value()[0] == pytest.approx(probed(DANN, weight=0.7).value()[0], rel=1e-5)


def test_a_class_of_weight_0_is_in_neither_loss():
    probe = probed(PADA)
    y = probe.batch.source.y
    weights = jnp.asarray([0.5, 1.0, 0.0])
    w, state = np.asarray(weights)[y], probe.state.put(weights=weights)
    z, _ = probe.model.features(state, jnp.concatenate([probe.batch.source.x, probe.batch.target.x]))
    n = len(y)
    logits = np.asarray(probe.model.classify(state, z[:n])[0])
    judged = np.asarray(probe.model.apply(state, "critic", z)[0])[:, 0]
    task = np.mean(w * -np.log(softmax(logits, axis=1)[np.arange(n), y]))
    real = np.sum(w * np.logaddexp(0, -judged[:n])) / w.sum()
    assert probe.value(state=state)[0] == pytest.approx(
        task + (real + np.logaddexp(0, judged[n:]).mean()) / 2, rel=1e-4
    )
