"""Depthwise convolution and its two gradients, each linear in its arguments, and each the derivative of the others."""

from collections.abc import Sequence

import jax

from tlx.errors import ContractError
from tlx.native.call import call, check_kernel, cropped, custom_vjp, outputs, shaped
from tlx.native.convolution import At, Size


def depthwise(x: jax.Array, w: jax.Array, strides: Sequence[int], padding: Sequence[Sequence[int]]) -> jax.Array:
    """y[b,p,q,c] = sum_ij x[b, s p + i, s q + j, c] w[i,j,0,c], x padded with zeros, or cut where negative.

    x [B,H,W,C], w [R,S,1,C], y [B,P,Q,C], all float32; padding ((top, bottom), (left, right)).
    Raises ContractError for other shapes and dtypes, TlxError where `available()` is false.
    """
    check_kernel("depthwise", x, w, 1, strides)
    if w.shape[3] != x.shape[3]:
        raise ContractError(f"depthwise: w has {w.shape[3]} outputs; expected {x.shape[3]}, the channels of x.")
    x, around = cropped(x, padding)
    return _depthwise(x, w, (int(strides[0]), int(strides[1]), *around))


@custom_vjp(2)
def _depthwise(x: jax.Array, w: jax.Array, at: At) -> jax.Array:
    y = shaped(x.shape[0], *outputs(x.shape, w.shape, at), w.shape[3])
    return call("tlx_depthwise", y, at, (True, False))(x, w)


@custom_vjp(2, 3)
def _input_gradient(g: jax.Array, w: jax.Array, at: At, size: Size) -> jax.Array:
    dx = shaped(g.shape[0], *size, w.shape[3])
    return call("tlx_depthwise_input_gradient", dx, at, (True, False))(g, w)


@custom_vjp(2, 3)
def _weight_gradient(x: jax.Array, g: jax.Array, at: At, kernel: Size) -> jax.Array:
    return call("tlx_depthwise_weight_gradient", shaped(*kernel, 1, g.shape[3]), at, (False, False))(x, g)


def _backward(at: At, saved: tuple[jax.Array, jax.Array], g: jax.Array):
    x, w = saved
    dx = _input_gradient(g, w, at, (x.shape[1], x.shape[2]))
    return dx, _weight_gradient(x, g, at, (w.shape[0], w.shape[1]))


def _input_gradient_backward(at: At, size: Size, saved: tuple[jax.Array, jax.Array], t: jax.Array):
    g, w = saved
    return _depthwise(t, w, at), _weight_gradient(t, g, at, (w.shape[0], w.shape[1]))


def _weight_gradient_backward(at: At, kernel: Size, saved: tuple[jax.Array, jax.Array], t: jax.Array):
    x, g = saved
    return _input_gradient(g, t, at, (x.shape[1], x.shape[2])), _depthwise(x, t, at)


_depthwise.defvjp(lambda x, w, at: (_depthwise(x, w, at), (x, w)), _backward)
_input_gradient.defvjp(lambda g, w, at, size: (_input_gradient(g, w, at, size), (g, w)), _input_gradient_backward)
_weight_gradient.defvjp(
    lambda x, g, at, kernel: (_weight_gradient(x, g, at, kernel), (x, g)), _weight_gradient_backward
)
