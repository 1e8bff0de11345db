"""DeepJDOT."""

import numpy as np
import ot
from scipy.special import log_softmax
from terms import OUTPUTS, N, Y, begun, term

from tlx_strategies.deepjdot import DeepJDOT


def test_costs_about_what_pots_exact_plan_costs():
    """The trap: source labels against source predictions. Sinkhorn's plan is near the exact one: see test_transport."""
    near = ot.dist(np.float64(OUTPUTS.source), np.float64(OUTPUTS.target))
    wrong = -log_softmax(np.float64(OUTPUTS.target_logits), 1)[:, np.asarray(Y)].T
    exact = float(np.asarray(ot.emd2(np.full(N, 1 / N), np.full(N, 1 / N), 0.5 * near + wrong)))
    found = term(begun(DeepJDOT(alpha=0.5, beta=1.0)))
    assert 0.97 * exact <= found.value <= 1.08 * exact
    slope = found.outputs
    assert not np.any(slope.source_logits) and np.any(slope.source) and np.any(slope.target_logits)
