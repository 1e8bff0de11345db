"""Entropy minimisation."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy
from terms import OUTPUTS, begun, check_target_only, term

from tlx_strategies.entropy_min import EntropyMin


def test_term_is_the_entropy_of_the_target():
    probe = begun(EntropyMin(weight=0.5))
    check_target_only(probe)
    expected = 0.5 * entropy(softmax(np.float64(OUTPUTS.target_logits), 1), axis=1).mean()
    assert term(probe).value == pytest.approx(expected, rel=1e-4)
