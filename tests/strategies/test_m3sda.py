"""Moment matching for multi-source adaptation."""

import numpy as np
import pytest
from scipy.special import softmax
from states import cross_entropy, logits, moved, together

from tlx.testing import Probe
from tlx_strategies.m3sda import M3SDA


def test_matches_the_moments_of_each_source_and_of_the_target():
    """The trap: moments of the sources' union, which match while no source's do."""
    probe = Probe(M3SDA(weight=0.5, moments=2), domains=2)
    probe.begin()
    source, target = together(probe)
    gaps = 0.0
    for k in (1, 2):
        first, second, last = (np.mean(x**k, 0) for x in (*np.split(source, 2), target))
        gaps += (np.linalg.norm(first - last) + np.linalg.norm(second - last)) / 2 + np.linalg.norm(first - second)
    heads = [np.asarray(logits(probe, source, net)) for net in ("head", "head2")]
    loss, metrics = probe.value()
    assert loss == pytest.approx(sum(cross_entropy(z, probe.batch.source.y) for z in heads) + 0.5 * gaps, rel=1e-4)
    apart = [softmax(np.asarray(logits(probe, target, net)), 1) for net in ("head", "head2")]
    assert metrics["gap"] == pytest.approx(np.abs(apart[0] - apart[1]).mean(), rel=1e-4)
    assert probe.phases[0].draw == {"source": "domain"}


def test_moves_heads_and_features_in_turn():
    probe = Probe(M3SDA(num_k=3))
    before = probe.begin()
    assert [(each.trains, each.repeat) for each in probe.phases[0].objectives] == [
        (("*",), 1), (("head", "head2"), 1), (("features",), 3),
    ]  # fmt: skip
    assert moved(before, probe.step()) == {"features", "head", "head2"}
