"""The dense network against a loop, scikit-learn's scaler and closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from sklearn.preprocessing import StandardScaler

from tlx.layers import MLP

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def shaken(sizes: tuple[int, ...], normalised: bool = False) -> Any:
    """A network whose parameters are away from their zeros and ones, so that each one counts."""
    random, module = np.random.default_rng(1), MLP(sizes, normalised, rngs=nnx.Rngs(0))
    params = nnx.state(module, nnx.Param)
    nnx.update(module, jax.tree.map(lambda leaf: leaf + np.float32(0.3 * random.normal(size=leaf.shape)), params))
    return module


@nnx.jit
def run(module: Any, x: Any) -> jax.Array:
    return module(x)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 1), (3, 4, 6, 2)])
def test_is_a_loop_over_layers(sizes, normalised):
    """The last layer has no ReLU and no norm: a discriminator's logit must be able to be negative."""
    module = shaken(sizes, normalised)
    x = np.float64(X)
    for i, layer in enumerate(module.layers):
        x = x @ np.asarray(layer.kernel[...]) + np.asarray(layer.bias[...])
        if i < len(sizes) - 2:
            if normalised:
                x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
                x = x * np.asarray(module.norms[i].scale[...]) + np.asarray(module.norms[i].bias[...])
            x = np.maximum(x, 0)
    got = run(module, X)
    np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-5)
    assert got.shape == (5, sizes[-1])


def test_norm_is_sklearns_scaler_and_its_statistics_count_in_evaluation():
    """The trap: a discriminator that is evaluated on a batch by that batch's statistics."""
    module: Any = MLP((3, 3, 3), True, rngs=nnx.Rngs(0))
    for layer in module.layers:
        layer.kernel[...] = jnp.eye(3)
    np.testing.assert_allclose(run(module, X), np.maximum(StandardScaler().fit_transform(X), 0), rtol=1e-4, atol=1e-6)
    norm = module.norms[0]
    np.testing.assert_allclose(norm.mean[...], 0.1 * X.mean(0), rtol=1e-4)
    module.eval()
    expected = (X[:1] - np.asarray(norm.mean[...])) / np.sqrt(np.asarray(norm.var[...]) + 1e-5)
    np.testing.assert_allclose(module(jnp.asarray(X[:1])), np.maximum(expected, 0), rtol=1e-4, atol=1e-6)


def test_start_keeps_the_variance():
    """LeCun normal: kernels of variance 1 / fan-in, zero biases; every layer its own draw."""
    module: Any = MLP((200, 200, 200), rngs=nnx.Rngs(0))
    first, second = module.layers
    for layer in (first, second):
        assert np.var(layer.kernel[...]) == pytest.approx(1 / 200, rel=0.05)
        assert not layer.bias[...].any()
    assert not np.array_equal(first.kernel[...], second.kernel[...])


def test_start_is_wider_than_pytorchs():
    """A discriminator of TLLib's sizes: 0.0625 for 0.0361 of U(+-1/sqrt(fan in)), which its biases have too."""
    module: Any = MLP((256, 1024, 1024, 1), True, rngs=nnx.Rngs(0))
    for layer, fan_in, ours, theirs in ((0, 256, 0.0625, 0.0361), (1, 1024, 0.0312, 0.0180)):
        uniform = np.random.default_rng(layer).uniform(-1, 1, 100_000) / np.sqrt(fan_in)
        spread = np.std(module.layers[layer].kernel[...]), uniform.std()
        assert spread == pytest.approx((ours, theirs), rel=0.005)
        assert spread[0] / spread[1] == pytest.approx(np.sqrt(3), rel=0.005)
        assert not module.layers[layer].bias[...].any()


@pytest.mark.parametrize("normalised", [False, True])
def test_two_of_a_kind_have_one_structure(normalised):
    """The trap: a function that is made anew in each network, so that no compiled program serves two."""
    first, second = (nnx.eval_shape(lambda: MLP((3, 4, 2), normalised, rngs=nnx.Rngs(0))) for _ in range(2))
    assert nnx.graphdef(first) == nnx.graphdef(second)


def test_equal_rows_stay_finite():
    """The trap: batch norm of equal rows divides by a variance of 0."""

    def total(x: jax.Array) -> jax.Array:
        return jnp.sum(MLP((3, 4, 1), True, rngs=nnx.Rngs(0))(x))

    gradient = jax.jit(jax.grad(total))(jnp.ones((4, 3)))
    assert np.isfinite(gradient).all()
