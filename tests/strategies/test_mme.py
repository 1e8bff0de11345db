"""Minimax entropy."""

import jax
import numpy as np
import pytest
from programs import entropies
from scipy.special import softmax
from states import features, moved

from tlx.testing import Probe
from tlx_strategies.mme import MME


def probed(weight: float) -> Probe:
    probe = Probe(MME(weight=weight, temperature=1.0))
    probe.begin()
    return probe


def test_prototypes_raise_the_entropy_and_features_lower_it():
    """The trap: the reversal on the wrong side, so that both go one way."""
    probe = probed(1.0)
    before, full, plain = probe.state, probe.step(), probed(0.0).step()
    assert moved(before, full) == {"features", "prototypes"}

    def entropy(group):
        pushed = jax.tree.map(lambda b, f, w: b + f - w, *(s.params[group] for s in (before, full, plain)))
        return probe.value(state=before.put_params(**{group: pushed}))[1]["entropy"]

    assert entropy("prototypes") > probe.value()[1]["entropy"] > entropy("features")


def test_entropy_is_of_scaled_cosines_of_the_unlabelled_rows():
    probe = probed(0.5)
    z, w = np.float64(features(probe, probe.batch.target.x)), np.float64(probe.state.params["prototypes"])
    p = softmax(z / np.linalg.norm(z, axis=1, keepdims=True) @ w, 1)
    loss, metrics = probe.value()
    assert metrics["entropy"] == pytest.approx(entropies(p).mean(), rel=1e-4)
    assert loss == pytest.approx(metrics["task"] - 0.5 * metrics["entropy"], rel=1e-5)
