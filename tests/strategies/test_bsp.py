"""Batch spectral penalisation."""

import numpy as np
import pytest
from terms import OUTPUTS, begun, check_weight, term

from tlx_strategies.bsp import BSP


def test_shortens_the_features_of_both_domains():
    slope = check_weight(begun(BSP())).outputs
    assert np.sum(OUTPUTS.source * slope.source) > 0 and np.sum(OUTPUTS.target * slope.target) > 0


def test_is_the_largest_singular_values():
    values = [np.linalg.svd(np.float64(z), compute_uv=False)[:2] for z in (OUTPUTS.source, OUTPUTS.target)]
    expected = 0.5 * np.sum(np.square(values))
    assert term(begun(BSP(weight=0.5, count=2))).value == pytest.approx(expected, rel=1e-4)
