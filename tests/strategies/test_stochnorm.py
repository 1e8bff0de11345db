"""Stochastic normalisation."""

import numpy as np
import pytest
from programs import at_phase
from states import cross_entropy, features, logits, same

from tlx.testing import Probe
from tlx_strategies.stochnorm import StochNorm


def test_takes_each_channels_statistics_at_random():
    """The traps: one draw for all channels; selection at prediction; running statistics that stand still."""
    probe = at_phase(StochNorm(p=0.0))
    rows, state = probe.batch.labelled, probe.state

    def task(train):
        return cross_entropy(logits(probe, features(probe, rows.x, train=train)), rows.y)

    def loss(p):
        other = Probe(StochNorm(p=p))
        other.number = probe.number
        return other.value(state=state)[0]

    running, batch, half = loss(0.0), loss(1.0), loss(0.5)
    assert running == pytest.approx(task(train=False), rel=1e-4)
    assert batch == pytest.approx(task(train=True), rel=1e-4), "p is the batch's share, as in the paper and in TLLib"
    assert half not in (pytest.approx(batch, rel=1e-4), pytest.approx(running, rel=1e-4))
    assert not same(probe.step(3).stats, state.stats)
    x = probe.batch.target.x
    expected = logits(probe, features(probe, x, train=False))
    np.testing.assert_allclose(probe.predict(x), expected, rtol=1e-5, atol=1e-6)
