"""Losses for a source of unequal classes: focal, logit_adjustment, ldam."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax
from states import features, logits

from tlx.testing import Probe
from tlx_strategies.focal import Focal
from tlx_strategies.ldam import LDAM
from tlx_strategies.logit_adjustment import LogitAdjustment

COUNTS = np.array([18.0, 5.0, 1.0])


def probed(strategy) -> Probe:
    """A probe whose source has 18, 5 and 1 rows of its classes, after the refresh that counts them."""
    probe = Probe(strategy)
    y = jnp.asarray(np.repeat(np.arange(3, dtype=np.int32), COUNTS.astype(int)))
    order = np.random.default_rng(0).permutation(24)
    probe.rows["source"] = probe.rows["source"]._replace(y=y[order])
    probe.batch = probe.batch._replace(source=jax.tree.map(lambda rows: rows[:16], probe.rows["source"]))
    probe.begin()
    probe.state = probe.refresh()
    np.testing.assert_array_equal(probe.state.extra["class_counts"], COUNTS)
    return probe


def rows(probe):
    z = features(probe, probe.batch.source.x)
    return np.float64(z), np.float64(logits(probe, z)), np.asarray(probe.batch.source.y)


def picked(z, y):
    return -log_softmax(z, 1)[np.arange(len(y)), y]


def test_logit_adjustment_adds_the_log_shares_in_training_alone():
    """The trap: the shares of the batch, or predictions by the adjusted logits."""
    probe = probed(LogitAdjustment(tau=1.5))
    _, z, y = rows(probe)
    assert probe.value()[0] == pytest.approx(picked(z + 1.5 * np.log(COUNTS / 24), y).mean(), rel=1e-4)
    x = probe.batch.target.x
    np.testing.assert_allclose(probe.predict(), logits(probe, features(probe, x, train=False)), atol=1e-6)


def test_focal_weighs_by_the_effective_number():
    probe = probed(Focal(gamma=1.5, beta=0.99))
    _, z, y = rows(probe)
    losses, weights = picked(z, y), ((1 - 0.99) / (1 - 0.99**COUNTS))[y]
    losses = (1 - np.exp(-losses)) ** 1.5 * losses
    assert probe.value()[0] == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-3)


def test_ldam_has_margins_and_late_weights():
    """The trap: kernels that are not of unit length, so that a class grows by its norm and not by its margin."""
    probe = probed(LDAM())
    z, _, y = rows(probe)
    kernel = np.float64(probe.state.params["prototypes"])
    cosines = (z / np.linalg.norm(z, axis=1, keepdims=True)) @ (kernel / np.linalg.norm(kernel, axis=0))
    margins = 0.5 * COUNTS**-0.25 / COUNTS.min() ** -0.25
    losses = picked(30 * (cosines - margins[y][:, None] * np.eye(3)[y]), y)
    weights = ((1 - 0.9999) / (1 - 0.9999**COUNTS))[y]
    assert probe.value(progress=0.5)[0] == pytest.approx(losses.mean(), rel=1e-3)
    assert probe.value(progress=0.9)[0] == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-2)
