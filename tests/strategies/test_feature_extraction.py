"""A linear classifier on frozen features."""

import jax
import numpy as np
from programs import at_phase
from sklearn.linear_model import LogisticRegression
from states import features, moved, same

from tlx.testing import Probe
from tlx_strategies.feature_extraction import FeatureExtraction


def test_leaves_weights_and_statistics():
    """The trap: batch norm in train mode under frozen weights: the statistics drift to the target."""
    probe = at_phase(FeatureExtraction(strengths=(0.01,)))
    entered, rows = probe.state, probe.rows["labelled"]
    assert probe.phases[1].share == 0 and not np.any(entered.params["probe"]["kernel"])
    after = probe.refresh()
    assert moved(entered, after) == {"probe"} and same(after.stats, entered.stats)
    z = np.float64(features(probe, rows.x, train=False))
    peer = LogisticRegression(C=1 / (0.01 * len(rows.y)), tol=1e-8, max_iter=1000).fit(z, rows.y)
    assert after.extra["strength"] == np.float32(0.01)
    np.testing.assert_allclose(after.params["probe"]["kernel"].T, peer.coef_, atol=2e-3)
    got = jax.nn.softmax(probe.predict(rows.x, state=after))
    np.testing.assert_allclose(got, peer.predict_proba(z), atol=1e-3)


def test_begins_with_the_weights_that_are_given():
    """The trap: a source phase of no steps, which a task without a source refuses."""
    (phase,) = Probe(FeatureExtraction(pretrain=0.0)).phases
    assert phase.sees == {"labelled"} and phase.share == 0
