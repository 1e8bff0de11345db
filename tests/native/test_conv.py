"""The convolution against float64 and JAX's own: values, gradients of both orders, edges, NaN and infinity, vmap."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from convolution import forward, gradients, near, normal
from hypothesis import example, given
from hypothesis import strategies as st
from jax.test_util import check_grads

from tlx import ContractError, native

pytestmark = pytest.mark.skipif(native.status().path != "native", reason=str(native.status()))
NHWC = ("NHWC", "HWIO", "NHWC")
side = st.integers(0, 3)


@functools.partial(jax.jit, static_argnums=(4, 5))
def pulled(x, w, b, g, strides, padding):
    y, pull = jax.vjp(lambda x, w, b: native.conv(x, w, b, strides, padding), x, w, b)
    return y, *pull(g)


def check(batch, size, channels, out, kernel, strides, padding, shared=False):
    """Each number is right but for five roundings of the sum of its terms' sizes: of both signs it may be near 0.

    Where sums are `shared` by neighbours, ten of the largest of these sizes count for all: the sums are rounded too.
    """
    x, w, b = normal(0, batch, *size, channels), normal(1, *kernel, channels, out), normal(2, out)

    def exact(x, w, b, g):
        return forward(x, w, b, strides, padding), *gradients(x, w, g, strides, padding)

    g = normal(3, *forward(x, w, b, strides, padding).shape)
    expected, sizes = exact(x, w, b, g), exact(*map(np.abs, (x, w, b, g)))
    for ours, theirs, terms in zip(pulled(x, w, b, g, strides, padding), expected, sizes, strict=True):
        assert ours.shape == theirs.shape
        bound = 6e-7 * terms.max(initial=0) if shared else 3e-7 * terms
        assert np.all(np.abs(np.asarray(ours) - theirs) <= bound)


@given(
    batch=st.integers(0, 5),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    channels=st.sampled_from([1, 2, 3, 8, 15, 16, 17, 33]),
    out=st.sampled_from([1, 2, 7, 16, 20, 31, 50, 64, 65]),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    strides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.tuples(side, side), st.tuples(side, side)),
)
@example(0, (5, 5), 3, 4, (3, 3), (1, 1), ((1, 1), (1, 1)))
@example(2, (2, 3), 3, 4, (5, 5), (1, 1), ((1, 1), (0, 0)))  # the kernel is larger than the image
@example(2, (6, 6), 1, 1, (3, 3), (1, 1), ((0, 0), (0, 0)))
@example(1, (40, 33), 5, 6, (3, 3), (2, 1), ((2, 0), (1, 3)))  # strips of one image
@example(9, (4, 4), 5, 6, (3, 3), (1, 1), ((1, 1), (1, 1)))  # several images in a strip
def test_equals_float64(batch, size, channels, out, kernel, strides, padding):
    check(batch, size, channels, out, kernel, strides, padding)


@pytest.mark.parametrize(
    ("batch", "size", "channels", "out", "kernel", "strides", "padding"),
    [
        (5, (8, 8), 96, 130, (4, 4), (2, 2), ((2, 1), (1, 2))),  # sums divided by taps and channels
        (3, (15, 16), 70, 260, (3, 3), (1, 1), ((0, 0), (0, 0))),  # the same, nothing padded
        (2, (5, 5), 600, 40, (4, 4), (1, 1), ((1, 1), (1, 1))),  # a kernel row is larger than a panel
        (3, (4, 4), 8, 1100, (3, 3), (1, 1), ((1, 1), (1, 1))),
    ],
)
def test_many_weights_equal_float64(batch, size, channels, out, kernel, strides, padding):
    check(batch, size, channels, out, kernel, strides, padding)


@pytest.mark.parametrize("out", [17, 18, 20, 50, 67])
def test_channels_behind_the_last_vector_equal_float64(out):
    """A few too many for whole vectors: where taps are many, they are dot products."""
    check(5, (9, 8), 20, out, (5, 5), (1, 1), ((0, 0), (0, 0)))
    check(3, (7, 9), 33, out, (4, 3), (2, 1), ((1, 0), (2, 1)))


@given(
    batch=st.integers(4, 7),
    size=st.tuples(st.integers(10, 14), st.integers(10, 14)),
    channels=st.sampled_from([64, 80]),
    out=st.sampled_from([64, 112, 128]),
    kernel=st.sampled_from([(3, 1), (5, 2)]),
    padding=st.tuples(st.tuples(side, side), st.tuples(side, side)),
)
@example(18, (6, 7), 64, 64, (3, 1), ((1, 1), (1, 1)))  # several images share a strip
@example(1, (24, 25), 64, 64, (3, 1), ((1, 1), (1, 1)))  # tiles of an image in two turns
def test_fewer_products_equal_float64(batch, size, channels, out, kernel, padding):
    """Winograd's filters, for 3x3 taps and for 5x5 with strides of 2; odd numbers of outputs too."""
    taps, stride = kernel
    size = size[0] * stride, size[1] * stride
    check(batch, size, channels, out, (taps, taps), (stride, stride), padding, shared=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["x", "w", "g"])
def test_what_is_not_finite_keeps_to_its_windows_where_products_are_fewer(value, place):
    args = {"x": normal(0, 4, 9, 8, 64), "w": normal(1, 3, 3, 64, 64), "g": normal(2, 4, 9, 8, 64)}
    args[place][1, 2, 1, 3] = value
    x, w, g = (jnp.array(args[name]) for name in "xwg")
    around = ((1, 1), (1, 1))

    def theirs(x, w):
        return jax.lax.conv_general_dilated(x, w, (1, 1), around, dimension_numbers=NHWC, precision="highest")

    (y, pull), (ours, dx, dw, _) = jax.vjp(theirs, x, w), pulled(x, w, jnp.zeros(64), g, (1, 1), around)
    np.testing.assert_allclose(ours, y, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(dw, pull(g)[1], rtol=1e-3, atol=1e-3)
    inner = np.s_[:, 1:-1, 1:-1]  # at the edge the zeros that JAX puts around g meet w
    np.testing.assert_allclose(dx[inner], pull(g)[0][inner], rtol=1e-3, atol=1e-3)


def test_negative_padding_cuts():
    x, w = normal(0, 2, 9, 8, 3), normal(1, 3, 3, 3, 5)
    around = ((-2, 1), (3, -1))
    theirs = jax.lax.conv_general_dilated(jnp.array(x), jnp.array(w), (2, 1), around, dimension_numbers=NHWC)
    near(native.conv(jnp.array(x), jnp.array(w), None, (2, 1), around), np.asarray(theirs))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["x", "w"])
@pytest.mark.parametrize("channels", [3, 21])
def test_nan_and_infinity_are_those_of_jax(value, place, channels):
    x, w = normal(0, 3, 6, 7, channels), normal(1, 3, 3, channels, 18)
    if place == "x":
        x[1, 2, 3, 1] = value
    else:
        w[0, 1, 2, 16] = value  # meets the zeros of the padding too
    around = ((1, 1), (1, 1))
    x, w = jnp.array(x), jnp.array(w)
    theirs = jax.lax.conv_general_dilated(x, w, (1, 1), around, dimension_numbers=NHWC, precision="highest")
    ours = native.conv(x, w, jnp.zeros(18), (1, 1), around)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_infinite_slope_reaches_its_own_window_only():
    x, w = normal(0, 3, 6, 7, 3), normal(1, 2, 2, 3, 18)
    g = normal(2, 3, 5, 6, 18)
    clean = pulled(x, w, normal(3, 18), g, (1, 1), ((0, 0), (0, 0)))
    g[1, 2, 3, 17] = np.inf
    _, dx, dw, db = pulled(x, w, normal(3, 18), g, (1, 1), ((0, 0), (0, 0)))
    touched = np.zeros(dx.shape, bool)
    touched[1, 2:4, 3:5] = True
    assert not np.isfinite(dx[touched]).any()
    np.testing.assert_array_equal(dx[~touched], clean[1][~touched])
    assert not np.isfinite(dw[..., 17]).any() and np.isfinite(dw[..., :17]).all()
    assert np.isfinite(db[:17]).all() and np.isinf(db[17])


def cubed(x, w, b):
    return native.conv(x, w, b, (2, 1), ((1, 0), (2, 1))) ** 3


def test_derivatives_by_finite_differences():
    args = normal(0, 2, 5, 4, 3), normal(1, 3, 2, 3, 4) / 3, normal(2, 4)
    check_grads(cubed, args, order=2, modes=["rev"], atol=0.05, rtol=0.05, eps=1e-2)


def test_the_gradient_of_a_penalty_on_pixels_equals_that_of_jax():
    x, w, b = normal(0, 3, 7, 7, 3), normal(1, 3, 3, 3, 5) / 3, normal(2, 5)

    def penalty(conv, w, b):
        slopes = jax.grad(lambda x: jnp.tanh(conv(x, w, b)).sum())(x)
        return (slopes**2).sum()

    def theirs(x, w, b):
        y = jax.lax.conv_general_dilated(x, w, (1, 2), ((1, 1), (1, 1)), dimension_numbers=NHWC, precision="highest")
        return y + b[None, None, None]

    def ours(x, w, b):
        return native.conv(x, w, b, (1, 2), ((1, 1), (1, 1)))

    for a, c in zip(
        *(jax.jit(jax.grad(functools.partial(penalty, f), (0, 1)))(w, b) for f in (ours, theirs)), strict=True
    ):
        near(a, np.asarray(c), 1e-5)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (0, 0, 0), (1, None, 0)])
def test_vmap_equals_a_loop(axes):
    shapes = [(2, 6, 5, 3), (3, 2, 3, 4), (4,)]
    args = [
        normal(i, *shape) if axis is None else normal(i, *shape[:axis], 3, *shape[axis:])
        for i, (shape, axis) in enumerate(zip(shapes, axes, strict=True))
    ]

    def slopes(x, w, b):
        return jax.value_and_grad(lambda x, w, b: (cubed(x, w, b)).sum(), (0, 1, 2))(x, w, b)

    got = jax.jit(jax.vmap(slopes, axes))(*args)
    for turn in range(3):
        one = [a if axis is None else np.take(a, turn, axis) for a, axis in zip(args, axes, strict=True)]
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(jax.jit(slopes)(*one)), strict=True):
            near(a[turn], np.asarray(b), 1e-5)


def test_a_scan_and_nested_vmaps():
    x, w = normal(0, 2, 3, 2, 5, 5, 3), normal(1, 3, 3, 3, 4)

    def conv(x):
        return native.conv(x, jnp.array(w), None, (1, 1), ((0, 0), (0, 0)))

    got = jax.jit(jax.vmap(jax.vmap(conv)))(x)
    turns = jax.lax.scan(lambda carry, x: (carry, jax.vmap(conv)(x)), 0, x)[1]
    np.testing.assert_array_equal(got, turns)


def test_errors_name_what_was_got():
    x, w = jnp.zeros((1, 4, 4, 3)), jnp.zeros((2, 2, 3, 5))
    still = ((0, 0), (0, 0))
    with pytest.raises(ContractError, match=r"x is float16\[1,4,4,3\]; expected float32"):
        native.conv(x.astype(jnp.float16), w, None, (1, 1), still)
    with pytest.raises(ContractError, match=r"w has the shape \(2, 2, 3, 5\); expected \[rows, columns, 2,"):
        native.conv(x[..., :2], w, None, (1, 1), still)
    with pytest.raises(ContractError, match="b has the shape"):
        native.conv(x, w, jnp.zeros(4), (1, 1), still)
    with pytest.raises(ContractError, match="strides are"):
        native.conv(x, w, None, (0, 1), still)
