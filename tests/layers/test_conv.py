"""Equal to JAX's own convolution, forward and backward, however it is cut into blocks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlx.layers import conv, conv_general_dilated

NHWC = ("NHWC", "HWIO", "NHWC")


@functools.partial(jax.jit, static_argnames=("stride", "padding", "more"))
def both(x, w, stride, padding, more=()):
    """The result and both gradients, of ours and of JAX's: one program."""

    def pulled(function):
        y, pull = jax.vjp(lambda x, w: function(x, w, stride, padding, dimension_numbers=NHWC, **dict(more)), x, w)
        return y, *pull(normal(2, y.shape))

    return pulled(conv_general_dilated), pulled(jax.lax.conv_general_dilated)


def normal(seed, shape):
    return np.float32(np.random.default_rng(seed).normal(size=shape))


def check(batch, size, channels, out, kernel, stride, padding):
    x, w = normal(0, (batch, *size, channels)), normal(1, (*kernel, channels, out))
    ours, theirs = both(x, w, stride, padding)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4, rtol=1e-4)


@settings(max_examples=max(4, settings().max_examples // 4))  # each compiles a program
@example(batch=3, size=(7, 8), channels=1, kernel=(3, 2), stride=(2, 1), padding="SAME")
@example(batch=2, size=(9, 5), channels=3, kernel=(4, 3), stride=(1, 3), padding=((1, 2), (0, 1)))
@example(batch=5, size=(6, 9), channels=5, kernel=(2, 4), stride=(2, 3), padding="VALID")
@given(
    batch=st.integers(1, 5),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    channels=st.sampled_from([1, 2, 3, 5]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["SAME", "VALID", ((1, 2), (0, 1))]),
)
def test_equals_jax(batch, size, channels, kernel, stride, padding):
    check(batch, size, channels, 4, kernel, stride, padding)


def test_a_kernel_of_one_pixel():
    check(5, (4, 6), 3, 4, (1, 1), (1, 1), "SAME")
    check(5, (4, 6), 3, 4, (1, 1), (2, 1), "SAME")
    check(5, (4, 6), 3, 4, (1, 1), (1, 1), ((1, 0), (0, 2)))


@pytest.mark.parametrize("patch_bytes", [1, 5000, 20000])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_blocks_do_not_matter(monkeypatch, patch_bytes, channels):
    monkeypatch.setattr(conv, "PATCH_BYTES", patch_bytes)
    both.clear_cache()  # pyright: ignore[reportAttributeAccessIssue]  # it knows nothing of the constant
    check(7, (8, 9), channels, 4, (3, 3), (1, 2), "SAME")


def test_inside_a_loop_and_under_vmap():
    x, w = normal(0, (2, 3, 8, 8, 2)), normal(1, (2, 3, 3, 2, 4))

    def total(function):
        def one(x, w):
            def turn(carry, _):
                return carry + jnp.sum(function(x, w, (1, 1), "SAME", dimension_numbers=NHWC) ** 2), None

            return jax.lax.scan(turn, 0.0, None, length=2)[0]

        return jax.jit(jax.vmap(jax.grad(one, argnums=(0, 1))))(x, w)

    for a, b in zip(total(conv_general_dilated), total(jax.lax.conv_general_dilated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("more", "padding"),
    [
        ({"feature_group_count": 2}, "SAME"),
        ({"rhs_dilation": (2, 2)}, "SAME"),
        ({"rhs_dilation": (1, 2)}, ((1, 1), (1, 0))),
        ({"lhs_dilation": (2, 3)}, ((1, 1), (1, 0))),
    ],
)
def test_groups_and_dilations(more, padding):
    x, w = normal(0, (2, 8, 8, 4)), normal(1, (3, 3, 4 // more.get("feature_group_count", 1), 6))
    ours, theirs = both(x, w, (2, 1), padding, tuple(more.items()))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)


def test_other_layouts_are_left_to_jax():
    x, w = jax.random.normal(jax.random.key(0), (2, 4, 8, 8)), jax.numpy.ones((6, 4, 3, 3))
    ours, theirs = (f(x, w, (1, 1), "SAME") for f in (conv_general_dilated, jax.lax.conv_general_dilated))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((7, 8), (3, 3), (1, 1), "SAME"), ((9, 7), (3, 2), (2, 3), ((2, 0), (1, 1)))],
)
def test_depthwise_equals_jax(size, kernel, stride, padding):
    x, w = normal(0, (3, *size, 4)), normal(1, (*kernel, 1, 4))
    ours, theirs = both(x, w, stride, padding, (("feature_group_count", 4),))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)
