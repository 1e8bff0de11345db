"""Predictions corrected by estimated class shares: bbse, rlls, mlls, and rw around a strategy."""

import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase
from scipy.special import log_softmax, softmax
from states import features, logits, same

from tlx import ContractError
from tlx.blocks.wrappers import wrap
from tlx.testing import Probe
from tlx_strategies.bbse import BBSE
from tlx_strategies.mlls import MLLS
from tlx_strategies.rlls import RLLS
from tlx_strategies.rw import RW
from tlx_strategies.source_only import SourceOnly
from tlx_strategies.tent import TENT


def said(probe, field):
    x = probe.rows[field].x
    return np.float64(logits(probe, features(probe, x, train=False)))


@pytest.mark.parametrize("soft", [True, False])
def test_bbse_solves_the_confusion_matrix_of_validation_rows(soft):
    """The traps: the matrix of train rows, or of the target's labels; the shares of the rows of one batch."""
    probe = at_phase(BBSE(soft=soft, calibration="none"), steps=20)
    held, target, y = said(probe, "source_val"), said(probe, "target"), np.asarray(probe.rows["source_val"].y)
    p, q = ((softmax(z, 1) if soft else np.eye(3)[z.argmax(1)]) for z in (held, target))
    confusion = p.T @ np.eye(3)[y] / len(y)
    weights = np.maximum(np.linalg.lstsq(confusion, q.mean(0), rcond=None)[0], 0)
    after = probe.refresh()
    np.testing.assert_allclose(after.extra["label_shift"][1], weights, rtol=1e-2, atol=1e-3)
    x = probe.batch.target.x
    expected = log_softmax(np.float64(logits(probe, features(probe, x, train=False))), 1)
    expected = expected + np.log(np.maximum(weights, 1e-8))
    np.testing.assert_allclose(probe.predict(state=after), expected, rtol=1e-2, atol=2e-2)


@pytest.mark.parametrize("strategy", [BBSE(), RLLS(), MLLS()])
def test_nothing_is_corrected_before_the_estimate_and_no_parameter_moves_by_it(strategy):
    probe = at_phase(strategy)
    plain = log_softmax(np.float64(logits(probe, features(probe, probe.batch.target.x, train=False))), 1)
    np.testing.assert_allclose(probe.predict(), plain, atol=1e-5)
    after = probe.refresh()
    assert same(after.params, probe.state.params) and not np.allclose(probe.predict(state=after), plain, atol=1e-3)


def test_mlls_finds_the_shares_of_a_shifted_target():
    """The trap: the source's prior from labels where the predictions' mean is another, so that no shift is a shift."""
    probe = at_phase(MLLS(), steps=60)
    keep = np.r_[np.flatnonzero(np.asarray(probe.rows["source_val"].y) == 0), [1, 2]]  # ten in all: 0.8, 0.1, 0.1
    source = probe.rows["source_val"]
    for rows, shares in ((np.arange(24), [1 / 3] * 3), (np.tile(keep, 3)[:24], None)):
        probe.rows["target"] = probe.rows["target"]._replace(x=source.x[jnp.asarray(rows)])
        found = np.asarray(probe.refresh().extra["label_shift"][1]) / 3
        expected = shares or np.bincount(np.asarray(source.y)[rows]) / 24
        np.testing.assert_allclose(found, expected, atol=0.06)


def test_rw_corrects_what_it_wraps():
    alone, around = (at_phase(strategy, steps=20) for strategy in (RW(), wrap((("s", SourceOnly), ("rw", RW)))()))
    assert same(alone.refresh().extra, around.refresh().extra)
    rlls = at_phase(RLLS(), steps=20)
    np.testing.assert_allclose(alone.predict(state=alone.refresh()), rlls.predict(state=rlls.refresh()), atol=1e-5)


def test_rw_refuses_a_stream():
    """The trap: predictions of the stream are scored before the estimate, and stay as they were."""
    with pytest.raises(ContractError, match="strategy rw: it corrects a final classifier"):
        Probe(wrap((("tent", TENT), ("rw", RW)))()).phases  # noqa: B018
