"""KL divergence between Gaussians fitted to the two domains."""

import numpy as np
import pytest
from states import cross_entropy, logits, together
from terms import WIDTH, Four, begun, check_distance

from tlx.testing import Probe
from tlx_strategies.kl_gaussian import KLGaussian


def test_term_is_a_distance():
    check_distance(begun(KLGaussian()))


def test_is_symmetric_and_by_hand():
    probe, total, eps = Probe(KLGaussian(weight=2.0), Four), 0.0, 0.01
    probe.begin()
    source, target = together(probe)
    for s, t in zip(source.T, target.T, strict=True):
        m_s, v_s, m_t, v_t = s.mean(), s.var() + eps, t.mean(), t.var() + eps
        total += (np.log(v_s / v_t) + (v_t + (m_t - m_s) ** 2) / v_s - 1) / 2
        total += (np.log(v_t / v_s) + (v_s + (m_t - m_s) ** 2) / v_t - 1) / 2
    loss, metrics = probe.value()
    assert metrics["kl"] == pytest.approx(total / (2 * WIDTH), rel=1e-4)
    assert metrics["task"] == pytest.approx(cross_entropy(logits(probe, source), probe.batch.source.y), rel=1e-5)
    assert loss == pytest.approx(metrics["task"] + 2 * metrics["kl"], rel=1e-5)
