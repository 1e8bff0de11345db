from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import log_softmax, softmax

from tlx import ops
from tlx.ops.vat import unit

adversarial_direction: Any = ops.adversarial_direction
virtual_adversarial_loss: Any = ops.virtual_adversarial_loss

RANDOM = np.random.default_rng(0)
W, X = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(4, 6))
KEY = jax.random.key(0)


def linear(x):
    return x.reshape(len(x), -1) @ W


def kl(x, r):
    """KL(p(x) || p(x + r)) of each row, in NumPy."""
    before, after = log_softmax(x @ W, 1), log_softmax((x + r) @ W, 1)
    return np.sum(np.exp(before) * (before - after), 1)


@pytest.mark.parametrize("iterations", [1, 5])
def test_direction_is_power_iteration_on_the_hessian(iterations):
    """Of a linear softmax the Hessian of the divergence at 0 is W (diag p - p p^T) W^T."""
    found: Any = adversarial_direction(linear, X, KEY, iterations, xi=1e-6)
    start = np.asarray(jax.random.normal(KEY, X.shape))
    for row, d, got in zip(X, start, found, strict=True):
        p = softmax(row @ W)
        hessian = W @ (np.diag(p) - np.outer(p, p)) @ W.T
        for _ in range(iterations):
            d = hessian @ d
            d /= np.linalg.norm(d)
        np.testing.assert_allclose(got, d, atol=1e-4)


def test_direction_converges_to_the_steepest():
    found: Any = adversarial_direction(linear, X, KEY, 60, xi=1e-6)
    for row, got in zip(X, found, strict=True):
        p = softmax(row @ W)
        _, vectors = np.linalg.eigh(W @ (np.diag(p) - np.outer(p, p)) @ W.T)
        assert abs(vectors[:, -1] @ got) == pytest.approx(1, abs=1e-3)


def test_single_precision_finds_the_direction_too():
    """The trap: a step so small that the gradient is rounding."""
    wide = adversarial_direction(lambda x: x @ jnp.float32(W), jnp.float32(X), KEY)
    exact = adversarial_direction(linear, X, KEY, xi=1e-6)  # another start: keys give other numbers by dtype
    assert wide.dtype == jnp.float32
    start = np.float64(jax.random.normal(KEY, X.shape, jnp.float32))
    for row, d, got in zip(X, np.asarray(start), wide, strict=True):
        p = softmax(row @ W)
        d = W @ (np.diag(p) - np.outer(p, p)) @ W.T @ d
        np.testing.assert_allclose(got, d / np.linalg.norm(d), atol=0.02)
    assert exact.dtype == jnp.float64


def test_loss_is_the_divergence_at_the_radius():
    loss = virtual_adversarial_loss(linear, X, KEY, 0.7, xi=1e-6)
    r: Any = 0.7 * np.asarray(adversarial_direction(linear, X, KEY, xi=1e-6))
    assert loss == pytest.approx(kl(X, r).mean(), rel=1e-9)
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), 0.7)
    turned = 0.7 * np.asarray(unit(jnp.asarray(RANDOM.normal(size=X.shape))))
    assert loss > kl(X, turned).mean(), "no random direction of this length is worse"


def test_gradient_holds_the_prediction_and_the_direction():
    """Numeric, of the divergence from fixed predictions along a fixed direction."""
    r = 0.7 * adversarial_direction(linear, X, KEY)
    p = softmax(X @ W, 1)

    def fixed(w):
        return jnp.mean(jnp.sum(p * (jnp.log(p) - jax.nn.log_softmax((X + r) @ w)), 1))

    check_grads(fixed, (jnp.asarray(W),), order=1, modes=["rev"])
    found = jax.grad(lambda w: virtual_adversarial_loss(lambda x: x @ w, X, KEY, 0.7))(jnp.asarray(W))
    np.testing.assert_allclose(found, jax.grad(fixed)(jnp.asarray(W)), rtol=1e-6, atol=1e-9)


def test_images_have_the_length_of_all_their_pixels():
    images = X.reshape(4, 2, 3, 1)
    d = adversarial_direction(linear, images, KEY)
    assert d.shape == images.shape
    np.testing.assert_allclose(np.sum(np.square(d), (1, 2, 3)), 1)
