"""Convolution and its two gradients, each linear in its arguments, and each the derivative of the others."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from tlx.errors import ContractError
from tlx.native.call import call, check, check_kernel, cropped, custom_vjp, outputs, shaped

At = tuple[int, int, int, int, int, int]  # strides; padding at the top, bottom, left, right
Size = tuple[int, int]  # height and width of x


def conv(
    x: jax.Array, w: jax.Array, b: jax.Array | None, strides: Sequence[int], padding: Sequence[Sequence[int]]
) -> jax.Array:
    """y[b,p,q,o] = b[o] + sum_ijc x[b, s p + i, s q + j, c] w[i,j,c,o], x padded with zeros, or cut where negative.

    x [B,H,W,C], w [R,S,C,O], b [O] or None, y [B,P,Q,O], all float32; padding ((top, bottom), (left, right)).
    Raises ContractError for other shapes and dtypes, TlxError where `available()` is false.
    """
    at, x, b = prepared("conv", x, w, b, strides, padding)
    return _conv(x, w, b, at)


def prepared(
    name: str,
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None,
    strides: Sequence[int],
    padding: Sequence[Sequence[int]],
) -> tuple[At, jax.Array, jax.Array]:
    """The numbers of a convolution, x without what negative padding takes, and the bias, zeros for None."""
    check_kernel(name, x, w, x.shape[-1], strides)
    if b is None:
        b = jnp.zeros(w.shape[3:], w.dtype)
    check(name, b=(b, 1))
    if b.shape != w.shape[3:]:
        raise ContractError(f"{name}: b has the shape {b.shape}; expected {w.shape[3:]}, the kernel's outputs.")
    x, around = cropped(x, padding)
    return (int(strides[0]), int(strides[1]), *around), x, b


@custom_vjp(3)
def _conv(x: jax.Array, w: jax.Array, b: jax.Array, at: At) -> jax.Array:
    y = shaped(x.shape[0], *outputs(x.shape, w.shape, at), w.shape[3])
    return call("tlx_conv", y, at, (True, False, False))(x, w, b)


@custom_vjp(2, 3)
def input_gradient(g: jax.Array, w: jax.Array, at: At, size: Size) -> jax.Array:
    """dx[b, s p + i, s q + j, c] += sum_o g[b,p,q,o] w[i,j,c,o]; dx [B,*size,C]."""
    dx = shaped(g.shape[0], *size, w.shape[2])
    return call("tlx_conv_input_gradient", dx, at, (True, False))(g, w)


@custom_vjp(2, 3)
def weight_gradient(x: jax.Array, g: jax.Array, at: At, kernel: Size) -> tuple[jax.Array, jax.Array]:
    """dw[i,j,c,o] = sum_bpq x[b, s p + i, s q + j, c] g[b,p,q,o], [*kernel,C,O], and db[o] = sum_bpq g[b,p,q,o]."""
    like = (shaped(*kernel, x.shape[3], g.shape[3]), shaped(g.shape[3]))
    return call("tlx_conv_weight_gradient", like, at, (False, False))(x, g)


def plain(x: jax.Array, w: jax.Array, at: At) -> jax.Array:
    """The convolution without a bias."""
    return _conv(x, w, jnp.zeros(w.shape[3:], w.dtype), at)


def _size(x: jax.Array) -> Size:
    return x.shape[1], x.shape[2]


def _conv_backward(at: At, saved: tuple[jax.Array, jax.Array], g: jax.Array):
    x, w = saved
    return input_gradient(g, w, at, _size(x)), *weight_gradient(x, g, at, (w.shape[0], w.shape[1]))


def _input_gradient_backward(at: At, size: Size, saved: tuple[jax.Array, jax.Array], t: jax.Array):
    g, w = saved
    return plain(t, w, at), weight_gradient(t, g, at, (w.shape[0], w.shape[1]))[0]


def _weight_gradient_backward(at: At, kernel: Size, saved: tuple[jax.Array, jax.Array], t: tuple[jax.Array, jax.Array]):
    x, g = saved
    return input_gradient(g, t[0], at, _size(x)), _conv(x, *t, at)


_conv.defvjp(lambda x, w, b, at: (_conv(x, w, b, at), (x, w)), _conv_backward)
input_gradient.defvjp(lambda g, w, at, size: (input_gradient(g, w, at, size), (g, w)), _input_gradient_backward)
weight_gradient.defvjp(lambda x, g, at, kernel: (weight_gradient(x, g, at, kernel), (x, g)), _weight_gradient_backward)
