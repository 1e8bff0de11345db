"""DELTA: held near the pretrained net's features."""

import numpy as np
import pytest
from programs import at_phase, shifted
from scipy.special import softmax
from states import cross_entropy, features, logits, same

from tlx_strategies.delta import DELTA


@pytest.mark.parametrize("attention", [True, False])
def test_holds_the_features_near_the_pretrained_ones(attention):
    """The traps: the pretrained net in train mode, or with the statistics that fine-tuning has come to; W of zeros."""
    probe = at_phase(DELTA(attention=attention, alpha=0.5, beta=0.0), 1)
    rows, table = probe.batch.labelled, probe.rows["labelled"]
    every, growth = np.asarray(features(probe, table.x, train=False)), np.zeros(16)
    for number in range(16):
        without = every * (np.arange(16) != number)
        growth[number] = cross_entropy(logits(probe, without), table.y) - cross_entropy(logits(probe, every), table.y)
    before = np.float64(features(probe, rows.x, train=False))
    probe.begin(2, probe.refresh())
    weights = 16 * softmax(growth) if attention else np.ones(16)
    np.testing.assert_allclose(probe.state.extra["weights"], weights, rtol=1e-3)
    assert np.any(growth)
    state = shifted(probe.step(2))
    z = features(probe, rows.x, state=state)
    behaviour = np.mean(np.sum(weights * (np.float64(z) - before) ** 2, 1))
    loss, metrics = probe.value(state=state)
    assert metrics["behaviour"] == pytest.approx(behaviour, rel=1e-3)
    of_tllib = np.sum(weights * (np.float64(z) - before) ** 2)
    assert len(rows.y) * metrics["behaviour"] == pytest.approx(of_tllib, rel=1e-3), "TLLib sums over the batch"
    assert loss == pytest.approx(cross_entropy(logits(probe, z, state=state), rows.y) + 0.25 * behaviour, rel=1e-3)


def test_compares_the_maps_of_several_layers():
    """The trap: the attention of the features on the maps of a layer."""
    probe = at_phase(DELTA(layers=("fc", "bn"), alpha=0.5, beta=0.0))
    before, state, x = probe.state, shifted(probe.state), probe.batch.labelled.x
    assert same(before.extra["weights"], np.ones(16))
    _, then, _ = probe.model.features(before, x, train=False, taps=("fc", "bn"))
    _, now, _ = probe.model.features(state, x, taps=("fc", "bn"))
    expected = sum(np.mean(np.sum(np.square(np.float64(now[name]) - then[name]), 1)) for name in ("fc", "bn"))
    assert probe.value(state=state)[1]["behaviour"] == pytest.approx(expected, rel=1e-3)
