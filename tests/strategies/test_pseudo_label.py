"""Pseudo-labels."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from terms import OUTPUTS, N, begun, check_target_only, term

from tlx_strategies.pseudo_label import PseudoLabel


def test_term_leaves_the_source_alone():
    check_target_only(begun(PseudoLabel()))


def test_waits_and_then_grows():
    """The trap: labels of an untrained classifier believed from the first step."""
    logits, probe = np.float64(OUTPUTS.target_logits), begun(PseudoLabel())
    loss = -np.mean(log_softmax(logits, 1).max(1))
    values = [term(probe, progress=p).value for p in (0.0, 0.1, 0.35, 0.6, 1.0)]
    assert values == pytest.approx([0, 0, 1.5 * loss, 3 * loss, 3 * loss], rel=1e-4, abs=1e-6)
    sure = softmax(logits, 1).max(1) >= 0.6
    expected = -3 * np.mean(sure * log_softmax(logits, 1).max(1))
    above = term(begun(PseudoLabel(threshold=0.6)), progress=1.0).value
    assert 0 < sure.sum() < N and above == pytest.approx(expected, rel=1e-4)
