"""Deep CORAL."""

import numpy as np
import pytest
from states import cross_entropy, logits, together
from terms import CLASSES, begun, check_distance

from tlx.testing import Probe
from tlx_strategies.coral import CORAL


def test_term_is_a_distance():
    check_distance(begun(CORAL()))


def test_aligns_the_outputs():
    """The trap: Deep CORAL acts on the last layer's outputs; on wide features the same weight does nothing."""
    probe = Probe(CORAL(weight=2.0))
    probe.begin()
    source, target = (np.asarray(logits(probe, z)) for z in together(probe))
    gap = np.linalg.norm(np.cov(source.T) - np.cov(target.T)) ** 2 / (4 * CLASSES**2)
    loss, metrics = probe.value()
    assert metrics["coral"] == pytest.approx(gap, rel=1e-4) and gap > 0
    assert metrics["task"] == pytest.approx(cross_entropy(source, probe.batch.source.y), rel=1e-5)
    assert loss == pytest.approx(metrics["task"] + 2 * gap, rel=1e-5)
