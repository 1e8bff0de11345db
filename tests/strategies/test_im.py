"""Information maximisation."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy
from terms import OUTPUTS, begun, check_target_only, term

from tlx_strategies.im import IM


def test_term_asks_for_certain_and_diverse_predictions():
    probe = begun(IM(weight=0.5))
    check_target_only(probe)
    p = softmax(np.float64(OUTPUTS.target_logits), 1)
    assert term(probe).value == pytest.approx(0.5 * (entropy(p, axis=1).mean() - entropy(p.mean(0))), rel=1e-4)
