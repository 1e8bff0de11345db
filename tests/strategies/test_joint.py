"""The labels of both domains."""

import pytest
from states import cross_entropy, features, logits, same

from tlx.testing import Probe
from tlx_strategies.joint import Joint


def probed(weight: float) -> Probe:
    probe = Probe(Joint(weight=weight))
    probe.begin()
    return probe


def test_weighs_the_source_and_not_the_target():
    """The trap: the weight on the wrong term; at 0 it is target-only."""
    probe = probed(0.25)
    rows = probe.batch.labelled, probe.batch.source
    target, source = (cross_entropy(logits(probe, features(probe, each.x)), each.y) for each in rows)
    assert probe.value()[0] == pytest.approx(target + 0.25 * source, rel=1e-5)
    assert probed(0.0).value()[0] == pytest.approx(target, rel=1e-5)


def test_at_weight_zero_learns_nothing_from_source_labels():
    """The trap: the weight on the wrong term. The source still passes through the network, for its statistics."""
    probe = probed(0.0)
    before, source = probe.step(), probe.batch.source
    probe.batch = probe.batch._replace(source=source._replace(y=(source.y + 1) % 3))
    assert same(before, probe.step())
