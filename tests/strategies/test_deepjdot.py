"""DeepJDOT."""

import jax.numpy as jnp
import numpy as np
import ot
import pytest
from scipy.special import log_softmax
from terms import CLASSES, OUTPUTS, WIDTH, N, Y, begun, term

from tlx import Outputs
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


def test_the_plan_is_of_the_cross_entropy():
    """The authors' code has |onehot - p|^2 in the plan: another plan, which costs more in the loss that both have."""
    random, probe = np.random.default_rng(0), begun(DeepJDOT(regularisation=0.002, iterations=2000))
    source, target, logits = (
        random.normal(size=(32, WIDTH)),
        0.5 + random.normal(size=(32, WIDTH)),
        2 * random.normal(size=(32, CLASSES)),
    )
    y = random.integers(0, CLASSES, 32)
    near, log_p, one = ot.dist(source, target), log_softmax(logits, 1), np.eye(CLASSES)[y]
    cost = 1e-3 * near - 1e-4 * one @ log_p.T
    theirs = 1e-3 * near + 1e-4 * np.sum((one[:, None] - np.exp(log_p)[None]) ** 2, 2)
    plans = [np.asarray(ot.emd(np.full(32, 1 / 32), np.full(32, 1 / 32), each)) for each in (cost, theirs)]
    probe.batch = probe.batch._replace(source=probe.batch.source._replace(y=jnp.asarray(y)))
    found = term(probe, Outputs(*(jnp.float32(each) for each in (source, target, logits, logits)))).value
    costs = [np.sum(plan * cost) for plan in plans]
    assert found == pytest.approx(costs[0], rel=1e-3)
    assert costs[1] / costs[0] == pytest.approx(1.00637, abs=1e-5)
    assert np.abs(plans[0] - plans[1]).sum() / 2 == pytest.approx(10 / 32), "the share of the mass that lies elsewhere"
