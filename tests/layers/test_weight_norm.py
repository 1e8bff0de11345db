import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tlx.layers import WeightNormLinear


def test_equals_its_equation():
    layer = WeightNormLinear(6, 4, nnx.Rngs(0))
    x = np.asarray(jax.random.normal(jax.random.key(0), (5, 6)))
    direction, bias = np.asarray(layer.direction[...]), np.asarray(layer.bias[...])
    np.testing.assert_allclose(
        layer(jnp.asarray(x)), x @ direction + bias, rtol=1e-4, atol=1e-5
    )  # the lengths start at |V|
    layer.scale[...] = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    weights = np.stack([k * v / np.linalg.norm(v) for k, v in enumerate(direction.T, start=1)], axis=1)
    np.testing.assert_allclose(layer(jnp.asarray(x)), x @ weights + bias, rtol=1e-4, atol=1e-5)


def test_length_of_a_direction_does_not_matter():
    layer = WeightNormLinear(6, 4, nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (5, 6))
    before = layer(x)
    layer.direction[...] = 7 * layer.direction[...]
    np.testing.assert_allclose(layer(x), before, rtol=1e-4, atol=1e-5)
