"""The discriminator's loss against scikit-learn's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import expit
from sklearn.metrics import balanced_accuracy_score, log_loss

from tlx import ops

domain_accuracy, domain_loss = jax.jit(ops.domain_accuracy), jax.jit(ops.domain_loss)
confusion_loss = jax.jit(ops.confusion_loss)

SOURCE, TARGET = np.array([1.5, -0.5, 2.0]), np.array([-1.0, 0.3])
IS_SOURCE = np.array([1, 1, 1, 0, 0])


def test_is_sklearns_log_loss_with_equal_domains():
    """The trap: source is 1 and target 0 in the logits' sign; each domain counts half whatever its size."""
    p, weights = expit(np.concatenate([SOURCE, TARGET])), np.array([1 / 3] * 3 + [1 / 2] * 2)
    assert domain_loss(SOURCE, TARGET) == pytest.approx(log_loss(IS_SOURCE, p, sample_weight=weights))


def test_weights_count_rows_within_each_domain():
    """The trap: weights normalised over both domains, so that the domain of certain rows counts more."""
    ours, theirs = np.array([1.0, 2.0, 0.5]), np.array([1.5, 1.1])
    p = expit(np.concatenate([SOURCE, TARGET]))
    weights = np.concatenate([ours / ours.sum(), theirs / theirs.sum()])
    found = domain_loss(SOURCE, TARGET, ours, theirs)
    assert found == pytest.approx(log_loss(IS_SOURCE, p, sample_weight=weights))
    assert domain_loss(SOURCE, TARGET, np.full(3, 2.0), np.ones(2)) == pytest.approx(domain_loss(SOURCE, TARGET))
    losses = np.log1p(np.exp(-SOURCE))
    slope = jax.grad(domain_loss, argnums=2)(SOURCE, TARGET, ours, theirs)
    np.testing.assert_allclose(slope, losses / (2 * ours.sum()), err_msg="the divisor has no gradient")


def test_accuracy_is_balanced():
    judged = np.concatenate([SOURCE, TARGET]) > 0
    assert domain_accuracy(SOURCE, TARGET) == pytest.approx(balanced_accuracy_score(IS_SOURCE, judged))


def test_confusion_is_log_two():
    assert domain_loss(jnp.zeros(4), jnp.zeros(2)) == pytest.approx(np.log(2))
    assert domain_accuracy(jnp.zeros(4), jnp.zeros(2)) == 0.5


def test_gradient_is_numeric_and_finite_at_extremes():
    check_grads(domain_loss, (SOURCE, TARGET), order=1, modes=["rev"])
    value, gradient = jax.jit(jax.value_and_grad(domain_loss))(jnp.float32([-1e4, 1e4]), jnp.float32([1e4]))
    assert value == pytest.approx((5e3 + 1e4) / 2) and np.isfinite(gradient).all()


def test_confusion_loss_is_the_cross_entropy_to_one_half():
    judged = np.concatenate([SOURCE, TARGET])
    expected = -np.mean(np.log(expit(judged)) / 2 + np.log(1 - expit(judged)) / 2)
    assert confusion_loss(judged) == pytest.approx(expected)
    assert confusion_loss(jnp.zeros(3)) == pytest.approx(np.log(2)) and expected > np.log(2)
    check_grads(confusion_loss, (judged,), order=1, modes=["rev"])
