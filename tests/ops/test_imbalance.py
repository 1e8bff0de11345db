"""Losses and draws for unequal classes, against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from tlx.ops import balanced_rows, effective_weights, focal_losses, ldam_margins, log_shares

COUNTS = np.array([500.0, 50.0, 5.0, 0.0])


def test_balanced_rows_draw_classes_alike_and_rows_of_a_class_alike():
    """The traps: the padded rows, which have label 0, and a class without rows."""
    labels = np.array([0] * 12 + [2] * 3 + [0] * 5)  # the last five are padding
    drawn = np.asarray(balanced_rows(jax.random.key(0), jnp.asarray(labels), 15, 4, 6000))
    counts = np.bincount(drawn, minlength=20)
    assert counts[15:].sum() == 0
    np.testing.assert_allclose(counts[:12] / 6000, 0.5 / 12, atol=0.012)
    np.testing.assert_allclose(counts[12:15] / 6000, 0.5 / 3, atol=0.03)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_effective_weights(beta):
    some = COUNTS > 0
    expected = np.array([(1 - beta) / (1 - beta**n) if n else 0 for n in COUNTS])
    expected *= some.sum() / expected.sum()
    np.testing.assert_allclose(effective_weights(jnp.asarray(COUNTS), beta), expected, rtol=2e-3, atol=1e-6)


def test_focal_losses():
    random = np.random.default_rng(0)
    logits, y = random.normal(size=(6, 3)), random.integers(0, 3, 6)
    p = softmax(logits, 1)[np.arange(6), y]
    np.testing.assert_allclose(
        focal_losses(jnp.asarray(logits), jnp.asarray(y), 2.0), -((1 - p) ** 2) * np.log(p), rtol=1e-4
    )
    slope = jax.grad(lambda z: focal_losses(z, jnp.array([0]), 0.5).sum())(jnp.asarray([[60.0, 0.0, 0.0]]))
    assert np.isfinite(slope).all()


def test_margins_and_shares():
    np.testing.assert_allclose(ldam_margins(jnp.asarray(COUNTS[:3]))[2], 0.5)
    np.testing.assert_allclose(ldam_margins(jnp.asarray(COUNTS[:3]))[0], 0.5 * (5 / 500) ** 0.25, rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_shares(jnp.asarray(COUNTS[:3]))), COUNTS[:3] / 555, rtol=1e-5)
    assert np.isfinite(log_shares(jnp.asarray(COUNTS))).all()
