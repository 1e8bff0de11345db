"""Adversarial discriminative domain adaptation."""

import jax.numpy as jnp
import numpy as np
import pytest
from states import critic, features, logits, moved, moved_layers, same

from tlx.ops import domain_accuracy
from tlx.testing import Probe
from tlx_strategies.adda import ADDA


@pytest.fixture(scope="module")
def probe() -> Probe:
    """At the start of the second phase, after three steps on the source."""
    probe = Probe(ADDA(hidden=(8,)))
    probe.begin()
    trained = probe.step(3)
    assert "critic" not in trained.params
    entered = probe.begin(1, trained)
    assert same(entered.params["source_features"], trained.params["features"])
    assert same(entered.stats["source_features"].values, trained.stats["features"].values)
    return probe


def test_moves_the_target_encoder_only(probe):
    """The traps: a source encoder that moves with the copy, or is run in train mode, so that its statistics are those
    of the batch; a critic on features instead of logits.
    """
    entered, after = probe.state, probe.step(3)
    assert entered.params["critic"]["layers"][0]["kernel"].shape == (3, 8), "the critic judges logits"
    assert moved(entered, after) == {"features", "critic"} and moved_layers(entered, after) == {"fc", "bn", "critic"}
    assert same(after.stats["source_features"], entered.stats["source_features"])
    assert not same(after.stats["features"], entered.stats["features"]), "the target encoder has statistics of its own"


def test_inverts_the_labels(probe):
    """The trap: minimax, whose gradient vanishes where the critic wins, in place of inverted labels."""
    batch, judged = probe.batch, {}
    for name, x, net, train in (
        ("source", batch.source.x, "source_features", False),
        ("target", batch.target.x, "features", True),
    ):
        z = features(probe, x, net=net, train=train)
        judged[name] = critic(probe.state.params["critic"], logits(probe, z))[:, 0]
    source, target = (np.float64(judged[name]) for name in ("source", "target"))
    expected = np.mean(np.log1p(np.exp(-source))) / 2 + np.mean(np.log1p(np.exp(target))) / 2
    loss, metrics = probe.value(0)
    assert loss == pytest.approx(expected, rel=1e-4)
    assert metrics["domain_accuracy"] == domain_accuracy(judged["source"], judged["target"])
    assert probe.value(1)[0] == pytest.approx(np.mean(np.log1p(np.exp(-target))) / 2, rel=1e-4)
    assert [o.trains for o in probe.phases[1].objectives] == [("critic",), ("features",)]


def test_critic_and_encoder_want_opposite_things(probe):
    """The trap: an encoder trained to be recognised. Each lowers its own loss; the encoder raises the critic's."""
    before, judged, confused = probe.state, probe.step(objectives=(0,)), probe.step(objectives=(1,))
    assert (moved(before, judged), moved(before, confused)) == ({"critic"}, {"features"})
    assert probe.value(0, state=judged)[0] < probe.value(0)[0]
    assert probe.value(1, state=confused)[0] < probe.value(1)[0]
    assert probe.value(0, state=confused)[0] > probe.value(0)[0]


def test_sees_no_source_label(probe):
    """The trap: the source's labels in the second phase."""
    batch = probe.batch
    after = probe.step(2)
    other = Probe(probe.strategy)
    other.number = 1
    other.batch = batch._replace(source=batch.source._replace(y=jnp.roll(batch.source.y, 1)))
    assert same(after, other.step(2, state=probe.state))
