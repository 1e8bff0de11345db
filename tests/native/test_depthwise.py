"""The depthwise convolution against JAX's own, forward and backward, and its second derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from convolution import near, normal
from hypothesis import example, given
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ContractError, native

pytestmark = pytest.mark.skipif(native.status().path != "native", reason=str(native.status()))
NHWC = ("NHWC", "HWIO", "NHWC")
side = st.integers(0, 3)


def theirs(x, w, strides, padding):
    return jax.lax.conv_general_dilated(
        x, w, strides, padding, dimension_numbers=NHWC, feature_group_count=x.shape[-1], precision="highest"
    )


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def pulled(function, x, w, strides, padding):
    y, pull = jax.vjp(lambda x, w: function(x, w, strides, padding), x, w)
    return y, *pull(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))


@given(
    batch=st.integers(0, 4),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    channels=st.sampled_from([2, 3, 15, 16, 20, 33]),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.tuples(side, side), st.tuples(side, side)),
)
@example(2, (2, 2), 3, (5, 5), (1, 1), ((1, 1), (1, 1)))
@example(2, (3, 3), 3, (1, 1), (1, 1), ((3, 3), (3, 2)))  # some outputs see the padding only
def test_equals_jax(batch, size, channels, kernel, strides, padding):
    x, w = normal(0, batch, *size, channels), normal(1, *kernel, 1, channels)
    for a, b in zip(*(pulled(f, x, w, strides, padding) for f in (native.depthwise, theirs)), strict=True):
        near(a, np.asarray(b))


def test_large_images_equal_jax():
    x, w = normal(0, 2, 40, 37, 100), normal(1, 7, 3, 1, 100)
    for a, b in zip(*(pulled(f, x, w, (1, 2), ((3, 3), (1, 1))) for f in (native.depthwise, theirs)), strict=True):
        near(a, np.asarray(b))


def test_derivatives_by_finite_differences():
    args = normal(0, 2, 5, 4, 3), normal(1, 3, 2, 1, 3) / 2

    def cubed(x, w):
        return native.depthwise(x, w, (2, 1), ((1, 0), (2, 1))) ** 3

    check_grads(cubed, args, order=2, modes=["rev"], atol=0.05, rtol=0.05, eps=1e-2)


@pytest.mark.parametrize("axes", [(0, None), (0, 0)])
def test_vmap_equals_a_loop(axes):
    x, w = normal(0, 3, 2, 5, 4, 3), normal(1, 3, 3, 3, 1, 3)
    w = w if axes[1] == 0 else w[0]
    slopes = jax.grad(lambda x, w: (native.depthwise(x, w, (1, 1), ((1, 1), (1, 1))) ** 2).sum(), (0, 1))
    got = jax.jit(jax.vmap(slopes, axes))(x, w)
    for turn in range(3):
        for a, b in zip(got, slopes(jnp.array(x[turn]), jnp.array(w[turn] if axes[1] == 0 else w)), strict=True):
            near(a[turn], np.asarray(b), 1e-5)


def test_errors_name_what_was_got():
    with pytest.raises(ContractError, match="w has 5 outputs; expected 3"):
        native.depthwise(jnp.zeros((1, 4, 4, 3)), jnp.zeros((2, 2, 1, 5)), (1, 1), ((0, 0), (0, 0)))
