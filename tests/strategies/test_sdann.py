"""Relaxed domain-adversarial training."""

import numpy as np
import pytest
from scipy.special import log_expit
from states import linear
from terms import OUTPUTS, N, begun, check_weight, term

from tlx_strategies.dann import DANN
from tlx_strategies.sdann import SDANN


def test_aligns_the_source_rows_that_look_most_like_the_target():
    """The trap: the other end, the rows that look least like it, which the target may lack."""
    probe = begun(SDANN(hidden=(), weight=0.7, beta=1.0))
    layer = probe.state.params["critic"]["layers"][0]
    s, t = (np.asarray(linear(layer, z), np.float64)[:, 0] for z in (OUTPUTS.source, OUTPUTS.target))
    near = np.sort(s)[: N // 2]  # D is high on the source
    expected = -(np.mean(log_expit(near)) + np.mean(log_expit(-t))) / 2
    found = check_weight(probe)
    assert found.value == pytest.approx(0.7 * expected, rel=1e-4)
    untouched = np.argsort(s)[N // 2 :]
    assert not np.any(np.asarray(found.outputs.source)[untouched])
    assert np.all(np.any(np.asarray(found.outputs.source)[np.argsort(s)[: N // 2]], axis=1))


def test_without_relaxation_it_is_dann():
    relaxed, whole = begun(SDANN(hidden=(5,), beta=0.0)), begun(DANN(hidden=(5,)))
    assert term(relaxed).value == pytest.approx(term(whole).value, rel=1e-6)
    np.testing.assert_allclose(term(relaxed).outputs.source, term(whole).outputs.source, atol=1e-7)
