"""Invariant risk minimisation."""

import numpy as np
import pytest
from states import cross_entropy, features, logits

from tlx.testing import Probe
from tlx_strategies.irm import IRM


def slope(z, y):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return ((p - np.eye(3)[y]) * z).sum(1).mean()


@pytest.mark.parametrize(("phase", "weight"), [(0, 1.0), (1, 5.0)])
def test_adds_the_penalty_of_every_source(phase, weight):
    """The traps: one penalty over all sources, which is zero where they cancel; a weight that scales the step."""
    probe = Probe(IRM(weight=5.0), domains=2)
    probe.begin(phase)
    z = np.asarray(logits(probe, features(probe, probe.batch.source.x)), np.float64)
    blocks = list(zip(np.split(z, 2), np.split(np.asarray(probe.batch.source.y), 2), strict=True))
    task = np.mean([cross_entropy(z, y.tolist()) for z, y in blocks])
    penalty = np.mean([slope(z[::2], y[::2]) * slope(z[1::2], y[1::2]) for z, y in blocks])
    loss, metrics = probe.value()
    assert metrics["penalty"] == pytest.approx(penalty, rel=1e-3, abs=1e-6)
    assert loss == pytest.approx((task + weight * penalty) / weight, rel=1e-4)
    assert probe.phases[phase].draw == {"source": "domain"} and probe.phases[phase].sees == {"source"}
