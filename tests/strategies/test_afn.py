"""Adaptive feature norm."""

import numpy as np
import pytest
from terms import OUTPUTS, begun, check_weight, term

from tlx_strategies.afn import AFN


@pytest.mark.parametrize("strategy", [AFN(), AFN(variant="hard")], ids=["stepwise", "hard"])
def test_lengthens_the_features_of_both_domains(strategy):
    slope = check_weight(begun(strategy)).outputs
    assert np.sum(OUTPUTS.source * slope.source) < 0 and np.sum(OUTPUTS.target * slope.target) < 0


def test_stepwise_is_by_hand():
    """Each row is a step short of its goal: its squared error is the square of the step, in both domains."""
    assert term(begun(AFN(weight=0.5, step=3.0))).value == pytest.approx(0.5 * 2 * 9, rel=1e-4)
