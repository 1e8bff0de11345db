"""Deep domain confusion."""

import numpy as np
import pytest
from terms import OUTPUTS, begun, check_distance, term

from tlx_strategies.ddc import DDC


@pytest.mark.parametrize("strategy", [DDC(), DDC(kernel="gaussian")], ids=["linear", "gaussian"])
def test_term_is_a_distance(strategy):
    check_distance(begun(strategy))


def test_linear_term_is_between_the_means():
    gap = np.sum((np.float64(OUTPUTS.source).mean(0) - np.float64(OUTPUTS.target).mean(0)) ** 2)
    assert term(begun(DDC())).value == pytest.approx(0.25 * gap, rel=1e-4)
