"""Importance-weighted domain-adversarial training."""

import jax.numpy as jnp
import numpy as np
import pytest
from programs import probabilities
from scipy.optimize import nnls
from scipy.special import log_softmax
from states import logits, together

from tlx.testing import Probe
from tlx_strategies.iwdan import IWDAN

W, SHARES = np.array([2.0, 0.5, 0.5]), np.array([0.25, 0.25, 0.5])


def probed() -> Probe:
    probe = Probe(IWDAN(hidden=(4,), weight=0.7))
    probe.begin()
    return probe


def test_weights_are_of_nonnegative_least_squares_and_move_half_way():
    """The traps: weights by an untrained network; weights that are not a distribution's."""
    probe = probed()
    np.testing.assert_array_equal(probe.refresh(progress=0.0).extra["class_weights"], 1)
    source, target = (probabilities(probe, probe.rows[name].x, train=False) for name in ("source", "target"))
    confusion = source.T @ np.eye(3)[np.asarray(probe.rows["source"].y)] / 24
    w = nnls(confusion, target.mean(0))[0]
    w = w / w.mean()  # the source's shares are equal
    np.testing.assert_allclose(probe.refresh(progress=0.5).extra["class_weights"], (1 + w) / 2, atol=2e-2)


def test_loss_is_balanced_cross_entropy_and_a_weighted_critic():
    probe = probed()
    probe.state = probe.state.put(class_weights=jnp.float32(W), class_shares=jnp.float32(SHARES))
    z, _ = together(probe)
    y = np.asarray(probe.batch.source.y)
    losses = -log_softmax(np.float64(logits(probe, z)), 1)[np.arange(len(y)), y]
    value, metrics = probe.value()
    balanced = np.mean(losses / (3 * SHARES[y]))
    assert value == pytest.approx(balanced + 0.7 * metrics["domain"], rel=1e-3)


def critic_of(probe, z):
    return probe.model.apply(probe.state, "critic", jnp.asarray(z, jnp.float32))[0][:, 0]


def test_the_critics_loss_weighs_source_rows():
    probe = probed()
    probe.state = probe.state.put(class_weights=jnp.float32(W))
    z, target = together(probe)
    judged = np.asarray(critic_of(probe, np.concatenate([z, target])), np.float64)
    w, n = W[np.asarray(probe.batch.source.y)], len(z)
    expected = (w @ np.log1p(np.exp(-judged[:n])) / w.sum() + np.log1p(np.exp(judged[n:])).mean()) / 2
    assert probe.value()[1]["domain"] == pytest.approx(expected, rel=1e-3)
