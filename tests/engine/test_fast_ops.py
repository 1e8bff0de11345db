"""Any network gives what it gave, by the fast operations: which ones, and with what around them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from jax import lax

from tlx import native
from tlx.engine.fast_ops import CONV, POOL, with_fast_ops

X = np.float32(np.random.default_rng(0).normal(size=(3, 9, 10, 4)))
CONVOLUTION = nnx.Conv(4, 4, (3, 3), rngs=nnx.Rngs(0))


def pool(x):
    return nnx.max_pool(x, (2, 2), (2, 2))


def across(x):
    """A bias along the columns, of which there are as many as channels."""
    y = lax.conv_general_dilated(x[:, :, :4], jnp.ones((1, 1, 4, 4)), (1, 1), "SAME", dimension_numbers=NHWC)
    return y + jnp.broadcast_to(jnp.arange(4.0)[None, None, :, None], y.shape)


def twice(x):
    y = CONVOLUTION(x)
    return pool(y).sum() + y


def series(x):
    x = nnx.Conv(10, 6, (3,), strides=2, rngs=nnx.Rngs(0))(x[..., 0])
    return nnx.max_pool(x, (2,), (2,))


def inside(x):
    return jax.jit(lambda x: pool(nnx.relu(CONVOLUTION(x))))(x)


NHWC = ("NHWC", "HWIO", "NHWC")
UNEVEN: Any = ((1, 1), (0, 2))
NETWORKS = {
    "bias": CONVOLUTION,
    "pool": lambda x: pool(CONVOLUTION(x)),
    "pool, relu": lambda x: nnx.relu(pool(CONVOLUTION(x))),
    "relu, pool": lambda x: pool(nnx.relu(CONVOLUTION(x))),
    "relu, pool, relu": lambda x: nnx.relu(pool(nnx.relu(CONVOLUTION(x)))),
    "no bias": lambda x: nnx.relu(pool(nnx.Conv(4, 5, (2, 3), use_bias=False, rngs=nnx.Rngs(0))(x))),
    "read twice": twice,
    "not a bias": across,
    "overlapping": lambda x: nnx.max_pool(CONVOLUTION(x), (3, 3), (2, 2), UNEVEN),
    "depthwise": nnx.Conv(4, 4, (3, 3), strides=(2, 1), feature_group_count=4, rngs=nnx.Rngs(0)),
    "grouped": nnx.Conv(4, 4, (3, 3), feature_group_count=2, rngs=nnx.Rngs(0)),
    "dilated": nnx.Conv(4, 4, (3, 3), kernel_dilation=2, rngs=nnx.Rngs(0)),
    "transposed": nnx.ConvTranspose(4, 3, (3, 3), strides=(2, 2), rngs=nnx.Rngs(0)),
    "a series": series,
    "in a jit": inside,
}


def primitives(jaxpr) -> set[str]:
    """The names of all primitives, but for those inside an operation with a gradient of its own."""
    names = {equation.primitive.name for equation in jaxpr.eqns}
    inner = (e.params["jaxpr"].jaxpr for e in jaxpr.eqns if e.primitive.name == "jit")
    return names.union(*map(primitives, inner))


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_network_as_it_is(name):
    """The trap: a sum that is no bias, an output that is read elsewhere too, a window or a gradient that is another."""
    network = NETWORKS[name]
    way = np.float32(np.random.default_rng(1).normal(size=jax.eval_shape(network, X).shape))

    def loss(x, function):
        return jnp.vdot(function(x), way)

    both = (network, lambda x: with_fast_ops(lambda: network(x)))
    (value, slope), (own, moved) = (jax.jit(jax.value_and_grad(loss), static_argnums=1)(X, each) for each in both)
    np.testing.assert_allclose(own, value, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(moved, slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_slow_operation_is_left(name):
    traced = jax.make_jaxpr(lambda x: with_fast_ops(lambda: NETWORKS[name](x)))(X)
    assert not primitives(traced.jaxpr) & {CONV, POOL}


@pytest.mark.skipif(not native.available(), reason="the kernels are not compiled here")
@pytest.mark.parametrize("name", ["pool", "pool, relu", "relu, pool", "in a jit"])
def test_a_convolution_takes_its_surroundings_along(name):
    """A bias, a pooling or a ReLU of its own would write the convolution to memory."""
    traced = jax.make_jaxpr(lambda x: with_fast_ops(lambda: NETWORKS[name](x)))(X)
    left = primitives(traced.jaxpr)
    assert not left & {"add", "custom_jvp_call", "max"}


def test_a_linen_network_and_one_that_only_pools():
    class Plain(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.max_pool(linen.relu(linen.Conv(5, (3, 3))(x)), (2, 2), (2, 2))

    module = Plain()
    params = module.init(jax.random.key(0), X)
    traced = jax.make_jaxpr(lambda x: with_fast_ops(lambda: module.apply(params, x)))(X)
    assert not primitives(traced.jaxpr) & {CONV, POOL}


def test_a_tree_comes_back_as_a_tree():
    out = with_fast_ops(lambda: {"a": (jnp.ones(2), None), "b": jnp.zeros(())})
    assert out["a"][1] is None and out["a"][0].shape == (2,) and out["b"].shape == ()
