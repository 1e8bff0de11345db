"""The small network against loops and scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from sklearn.preprocessing import StandardScaler

from tlx import ops
from tlx.ops import mlp_init

mlp_apply = jax.jit(ops.mlp_apply)

X = np.random.default_rng(0).normal(size=(5, 3))


def shaken(params):
    """Parameters away from their zeros and ones, so that each one counts."""
    random = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf + 0.3 * random.normal(size=leaf.shape)), params)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 1), (3, 4, 6, 2)])
def test_is_a_loop_over_layers(sizes, normalised):
    """The last layer has no ReLU and no norm: a discriminator's logit must be able to be negative."""
    params = shaken(mlp_init(jax.random.key(0), sizes, normalised))
    x = X
    for i in range(len(sizes) - 1):
        layer = params[f"layer{i}"]
        x = x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
        if i < len(sizes) - 2:
            if normalised:
                x = x / np.sqrt(x.var(0) + 1e-5) - x.mean(0) / np.sqrt(x.var(0) + 1e-5)
                x = x * np.asarray(layer["scale"]) + np.asarray(layer["shift"])
            x = np.maximum(x, 0)
    np.testing.assert_allclose(mlp_apply(params, X), x)
    assert mlp_apply(params, X).shape == (5, sizes[-1])


def test_norm_is_sklearns_scaler():
    params = mlp_init(jax.random.key(0), (3, 3, 3), True)
    eye = {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}
    params = {"layer0": params["layer0"] | eye, "layer1": params["layer1"] | eye}
    expected = np.maximum(StandardScaler().fit_transform(X), 0)
    np.testing.assert_allclose(mlp_apply(params, X), expected, rtol=1e-4)


def test_init_keeps_the_variance():
    """LeCun normal: kernels of variance 1 / fan-in, zero biases; every layer its own draw."""
    params = mlp_init(jax.random.key(0), (200, 200, 200))
    for layer in params.values():
        assert np.var(layer["kernel"]) == pytest.approx(1 / 200, rel=0.05)
        assert not layer["bias"].any()
    assert not np.array_equal(params["layer0"]["kernel"], params["layer1"]["kernel"])
    assert "scale" not in params["layer0"]
    assert "scale" not in mlp_init(jax.random.key(0), (2, 2, 2), True)["layer1"]


@pytest.mark.parametrize("normalised", [False, True])
def test_gradient_is_numeric(normalised):
    params = shaken(mlp_init(jax.random.key(0), (3, 4, 2), normalised))
    check_grads(lambda p, x: jnp.sum(mlp_apply(p, x) ** 2), (params, X), order=1, modes=["rev"])


def test_equal_rows_stay_finite():
    """The trap: batch norm of equal rows divides by a variance of 0."""
    params = mlp_init(jax.random.key(0), (3, 4, 1), True)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(mlp_apply(params, x))))(jnp.ones((4, 3), jnp.float32))
    assert np.isfinite(gradient).all()
