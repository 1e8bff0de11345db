"""Batch nuclear-norm maximisation."""

import numpy as np
import pytest
from scipy.special import softmax
from terms import OUTPUTS, N, begun, check_target_only, term

from tlx_strategies.bnm import BNM


def test_term_is_the_nuclear_norm_of_the_target():
    probe = begun(BNM(weight=0.5))
    check_target_only(probe)
    norm = np.linalg.norm(softmax(np.float64(OUTPUTS.target_logits), 1), "nuc")
    assert term(probe).value == pytest.approx(-0.5 * norm / N, rel=1e-4)
