"""Convolution, bias, 2x2 max pooling and ReLU as one: the convolution itself is never written to memory."""

from collections.abc import Sequence

import jax

from tlx.native.call import BYTE, call, custom_vjp, outputs, shaped
from tlx.native.convolution import At, Size, plain, prepared
from tlx.native.pooling import collect

TWO = (2, 2)


def conv_pool(
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None,
    strides: Sequence[int],
    padding: Sequence[Sequence[int]],
    relu: bool,
) -> jax.Array:
    """y = max_pool(conv(x, w, b, strides, padding)), and with `relu` the maximum of that and 0.

    x [B,H,W,C], w [R,S,C,O], b [O] or None, y [B, P // 2, Q // 2, O], all float32. At 0, ReLU has the gradient 0.
    Raises ContractError for other shapes and dtypes, TlxError where `available()` is false.
    """
    at, x, b = prepared("conv_pool", x, w, b, strides, padding)
    return _conv_pool(x, w, b, at, bool(relu))[0]


@custom_vjp(3, 4)
def _conv_pool(x: jax.Array, w: jax.Array, b: jax.Array, at: At, relu: bool) -> tuple[jax.Array, jax.Array]:
    """The maxima, and the mask that `tlx.native.pooling` describes, empty where ReLU lets nothing through."""
    rows, columns = outputs(x.shape, w.shape, at)
    shape = x.shape[0], rows // 2, columns // 2, w.shape[3]
    like = (shaped(*shape), shaped(*shape, dtype=BYTE))
    return call("tlx_conv_pool", like, (*at, relu), (True, False, False))(x, w, b)


@custom_vjp(3, 4)
def _input_gradient(g: jax.Array, mask: jax.Array, w: jax.Array, at: At, size: Size) -> jax.Array:
    dx = shaped(g.shape[0], *size, w.shape[2])
    return call("tlx_conv_pool_input_gradient", dx, at, (True, True, False))(g, mask, w)


@custom_vjp(3, 4)
def _weight_gradient(x: jax.Array, g: jax.Array, mask: jax.Array, at: At, kernel: Size) -> tuple[jax.Array, jax.Array]:
    like = (shaped(*kernel, x.shape[3], g.shape[3]), shaped(g.shape[3]))
    return call("tlx_conv_pool_weight_gradient", like, at, (False, False, False))(x, g, mask)


def _pooled(y: jax.Array, mask: jax.Array) -> jax.Array:
    return collect(y, mask, TWO, (y.shape[1], y.shape[2]))


def _forward(x: jax.Array, w: jax.Array, b: jax.Array, at: At, relu: bool):
    y, mask = _conv_pool(x, w, b, at, relu)
    return (y, mask), (x, w, mask)


def _backward(at: At, relu: bool, saved: tuple[jax.Array, jax.Array, jax.Array], slopes: tuple[jax.Array, object]):
    (x, w, mask), g = saved, slopes[0]
    dx = _input_gradient(g, mask, w, at, (x.shape[1], x.shape[2]))
    return dx, *_weight_gradient(x, g, mask, at, (w.shape[0], w.shape[1]))


def _input_gradient_backward(at: At, size: Size, saved: tuple[jax.Array, jax.Array, jax.Array], t: jax.Array):
    g, mask, w = saved
    dw, _ = _weight_gradient(t, g, mask, at, (w.shape[0], w.shape[1]))
    return _pooled(plain(t, w, at), mask), None, dw


def _weight_gradient_backward(
    at: At, kernel: Size, saved: tuple[jax.Array, jax.Array, jax.Array], t: tuple[jax.Array, jax.Array]
):
    x, g, mask = saved
    dx = _input_gradient(g, mask, t[0], at, (x.shape[1], x.shape[2]))
    alive = mask != 0  # the bias reaches every pixel, so its mean is itself, unless ReLU lets nothing through
    return dx, _pooled(plain(x, t[0], at), mask) + t[1][None, None, None] * alive.astype(g.dtype), None


_conv_pool.defvjp(_forward, _backward)
_input_gradient.defvjp(
    lambda g, mask, w, at, size: (_input_gradient(g, mask, w, at, size), (g, mask, w)), _input_gradient_backward
)
_weight_gradient.defvjp(
    lambda x, g, mask, at, kernel: (_weight_gradient(x, g, mask, at, kernel), (x, g, mask)), _weight_gradient_backward
)
