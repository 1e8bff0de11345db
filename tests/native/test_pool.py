"""Max pooling equals that of `tlx.layers`, ties, odd sides and NaN included; the fused one equals its parts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from convolution import near, normal
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ContractError, native
from tlx.layers.pool import _side_by_side

pytestmark = pytest.mark.skipif(native.status().path != "native", reason=str(native.status()))


@pytest.mark.slow
@given(
    batch=st.integers(0, 3),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    channels=st.sampled_from([1, 3, 8, 15, 16, 20, 50]),
    window=st.sampled_from([(2, 2), (3, 1), (1, 1), (2, 4), (3, 2)]),
    values=st.sampled_from([2, 1000]),  # few values: many ties
)
def test_equals_the_path_of_xla(batch, size, channels, window, values):
    x = np.float32(np.random.default_rng(0).integers(0, values, (batch, *size, channels)))
    g = normal(1, batch, size[0] // window[0], size[1] // window[1], channels)

    def pulled(pool):
        y, pull = jax.vjp(lambda x: pool(x, window), x)
        return y, pull(g)[0]

    for ours, theirs in zip(jax.jit(lambda: pulled(native.max_pool))(), pulled(_side_by_side), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("channels", [3, 20])
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_nan_wins_from_every_place(channels, place):
    x = normal(0, 1, 4, 4, channels)
    x[0, place[0], place[1], 2] = np.nan
    x[0, 2, 2, 1] = -np.inf
    y, pull = jax.vjp(native.max_pool, jnp.array(x))
    np.testing.assert_array_equal(y, x.reshape(1, 2, 2, 2, 2, channels).max((2, 4)))
    dx = pull(jnp.ones_like(y))[0]
    assert dx.sum() == y.size - 1 and not dx[0, :2, :2, 2].any()  # no pixel equals NaN


def test_derivatives_of_the_pool():
    x = np.float32(np.random.default_rng(0).permutation(2 * 5 * 6 * 3).reshape(2, 5, 6, 3)) / 20

    def cubed(x):
        return native.max_pool(x) ** 3

    check_grads(cubed, (x,), order=3, modes=["rev"], atol=0.05, rtol=0.05, eps=1e-2)


def test_ties_share_the_derivatives_of_every_order():
    x, g = jnp.zeros((1, 2, 2, 1)), jnp.ones((1, 1, 1, 1))

    def slopes(g):
        return (jax.vjp(native.max_pool, x)[1](g)[0] ** 2).sum()

    assert slopes(g) == 0.25
    assert jax.grad(slopes)(g)[0, 0, 0, 0] == 0.5
    assert jax.grad(lambda g: jax.grad(slopes)(g).sum())(g)[0, 0, 0, 0] == 0.5


def test_vmap_of_the_pool():
    x = normal(0, 3, 2, 5, 4, 3)
    slopes = jax.grad(lambda x: (native.max_pool(x) ** 2).sum())
    got = jax.jit(jax.vmap(slopes))(x)
    np.testing.assert_array_equal(got, jnp.stack([slopes(part) for part in jnp.array(x)]))


@pytest.mark.parametrize("window", [(3, 3), (0, 2), (2, 2, 2)])
def test_windows_that_it_does_not_take(window):
    with pytest.raises(ContractError, match="the window is"):
        native.max_pool(jnp.zeros((1, 4, 4, 1)), window)


@functools.partial(jax.jit, static_argnums=(0, 4, 5, 6))
def pulled(function, x, w, b, strides, padding, relu):
    y, pull = jax.vjp(lambda x, w, b: function(x, w, b, strides, padding, relu), x, w, b)
    return y, *pull(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))


def apart(x, w, b, strides, padding, relu):
    y = native.max_pool(native.conv(x, w, b, strides, padding))
    return jax.nn.relu(y) if relu else y


side = st.integers(0, 2)


@given(
    batch=st.integers(0, 4),
    size=st.tuples(st.integers(1, 13), st.integers(1, 13)),
    channels=st.sampled_from([1, 3, 20]),
    out=st.sampled_from([1, 3, 16, 20, 50, 66]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.tuples(st.tuples(side, side), st.tuples(side, side)),
    relu=st.booleans(),
)
def test_the_fused_one_equals_its_parts(batch, size, channels, out, kernel, strides, padding, relu):
    args = normal(0, batch, *size, channels), normal(1, *kernel, channels, out), normal(2, out)
    for a, b in zip(*(pulled(f, *args, strides, padding, relu) for f in (native.conv_pool, apart)), strict=True):
        near(a, np.asarray(b), 3e-5)  # both are rounded, and a sum of both signs may be small beside its parts


@pytest.mark.parametrize(("size", "channels", "out"), [((41, 38), 4, 20), ((9, 8), 64, 300)])
def test_the_fused_one_on_large_images_and_many_weights(size, channels, out):
    args = normal(0, 3, *size, channels), normal(1, 3, 3, channels, out), normal(2, out)
    both = [pulled(f, *args, (1, 1), ((1, 1), (2, 0)), True) for f in (native.conv_pool, apart)]
    for a, b in zip(*both, strict=True):
        near(a, np.asarray(b))


@given(
    batch=st.integers(1, 4),
    size=st.tuples(st.integers(4, 14), st.integers(10, 26)),
    kernel=st.sampled_from([(5, 5, 1), (3, 3, 1), (3, 3, 3)]),
    out=st.sampled_from([1, 3, 6, 15, 16, 20, 33, 50]),
    padding=st.tuples(st.tuples(side, side), st.tuples(side, side)),
    relu=st.booleans(),
    values=st.sampled_from([3, 1000]),  # few values: many ties
)
def test_few_taps_equal_their_parts(batch, size, kernel, out, padding, relu, values):
    """The first convolutions of nets for digits have kernels of their own, where lanes look up their pixels."""
    draw = np.random.default_rng(0)
    x = draw.integers(-(values // 2), values // 2 + 1, (batch, *size, kernel[2])).astype(np.float32)
    w = draw.integers(-2, 3, (*kernel, out)).astype(np.float32)
    args = x, w, draw.integers(-1, 2, out).astype(np.float32), (1, 1), padding, relu
    (y, *slopes), (exact, *others) = (pulled(f, *args) for f in (native.conv_pool, apart))
    np.testing.assert_array_equal(y, exact)  # sums of whole numbers
    for a, b in zip(slopes, others, strict=True):
        near(a, np.asarray(b), 3e-5)


@pytest.mark.parametrize("channels", [1, 20])
def test_pixels_that_tie_share_the_slope(channels):
    """Few values, so many windows have two, three or four maxima; sums of small whole numbers are exact."""
    draw = np.random.default_rng(0)
    x = draw.integers(-1, 2, (4, 9, 8, channels)).astype(np.float32)
    w = draw.integers(-1, 2, (2, 2, channels, 18)).astype(np.float32)
    x[0] = 1
    args = x, w, np.zeros(18, np.float32), (1, 1), ((0, 0), (1, 0)), False
    for ours, theirs in zip(pulled(native.conv_pool, *args), pulled(apart, *args), strict=True):
        near(ours, np.asarray(theirs))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["x", "w", "g"])
@pytest.mark.parametrize(("columns", "channels", "out"), [(8, 3, 18), (12, 3, 18), (12, 64, 64)])
def test_what_is_not_finite_reaches_the_gradients_of_the_fused_one_as_those_of_its_parts(
    value, place, columns, channels, out
):
    """The pixels that lose have the slope 0, and 0 times infinity is NaN. Each shape has kernels of its own."""
    x, w = normal(0, 7, 6, columns, channels), normal(1, 3, 3, channels, out)
    g = normal(2, 7, 2, columns // 2 - 1, out)
    {"x": x, "w": w, "g": g}[place][1, 1, 1, 2] = value

    def gradients(function):
        _, pull = jax.vjp(lambda *args: function(*args, (1, 1), ((0, 0), (0, 0)), True), x, w, normal(3, out))
        return pull(jnp.array(g))

    for ours, theirs in zip(gradients(native.conv_pool), gradients(apart), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("columns", "channels"), [(6, 2), (12, 3)])
def test_nan_passes_the_fused_one(relu, columns, channels):
    x, w = normal(0, 2, 6, columns, channels), normal(1, 3, 3, channels, 5)
    x[1, 0, 0, 0] = np.nan
    y = native.conv_pool(jnp.array(x), jnp.array(w), None, (1, 1), ((0, 0), (0, 0)), relu)
    assert np.isnan(y[1, 0, 0]).all() and np.isnan(y).sum() == 5


@pytest.mark.parametrize("relu", [False, True])
def test_second_derivatives_of_the_fused_one_equal_those_of_its_parts(relu):
    args = normal(0, 2, 8, 7, 3), normal(1, 3, 3, 3, 5) / 3, normal(2, 5)

    def penalty(function, *args):
        def loss(*args):
            return (function(*args, (1, 1), ((1, 0), (1, 1)), relu) ** 3).sum()

        return sum((part**2).sum() for part in jax.grad(loss, (0, 1, 2))(*args))

    both = [jax.jit(jax.grad(functools.partial(penalty, f), (0, 1, 2)))(*args) for f in (native.conv_pool, apart)]
    for a, b in zip(*both, strict=True):
        near(a, np.asarray(b), 1e-5)


@pytest.mark.parametrize("axes", [(0, None, None), (0, 0, None)])
def test_vmap_of_the_fused_one(axes):
    shapes = [(2, 6, 5, 3), (3, 2, 3, 4), (4,)]
    args = [
        normal(i, *(() if axis is None else (2,)), *shape)
        for i, (shape, axis) in enumerate(zip(shapes, axes, strict=True))
    ]

    def slopes(function, *args):
        return jax.grad(lambda *args: (function(*args, (1, 1), ((0, 0), (1, 1)), True) ** 2).sum(), (0, 1, 2))(*args)

    both = [jax.jit(jax.vmap(functools.partial(slopes, f), axes))(*args) for f in (native.conv_pool, apart)]
    for a, b in zip(*both, strict=True):
        near(a, np.asarray(b), 1e-5)
