"""Pooling whose gradient is fast everywhere."""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from tlx import native


def max_pool(
    x: Float[Array, "batch height width channels"],
    window: tuple[int, int] = (2, 2),
    strides: tuple[int, int] | None = None,
    padding: int = 0,
) -> Float[Array, "batch rows columns channels"]:
    """The maximum over each window, a rest at the border dropped (as `padding="VALID"`).

    Windows lie side by side unless `strides` says otherwise; `padding` adds so many rows and columns on every side,
    which are never the maximum. The maximum is taken over strided slices, the gradient of windows side by side by
    comparing with it: on the CPU the gradient of XLA's `reduce_window` (flax's `max_pool`) takes about twenty times as
    long. Where values tie, the gradient is shared between them. It has a reverse-mode derivative only.
    """
    if padding:
        around = (padding, padding)
        x = jnp.pad(x, ((0, 0), around, around, (0, 0)), constant_values=-jnp.inf)
    if strides is None:
        few = window[0] * window[1] <= 8
        if few and x.dtype == jnp.float32 and native.available():
            return native.max_pool(x, window)
        return _side_by_side(x, window)
    for axis in (1, 2):  # overlapping windows: rows first, then columns, are fewer slices
        x = _along(x, axis, window[axis - 1], strides[axis - 1])
    return x


def _along(x: Array, axis: int, window: int, step: int) -> Array:
    count = (x.shape[axis] - window) // step + 1
    at = [slice(None)] * axis
    parts = [x[(*at, slice(i, i + (count - 1) * step + 1, step))] for i in range(window)]
    return functools.reduce(jnp.maximum, parts)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _side_by_side(x: Array, window: tuple[int, int]) -> Array:
    return functools.reduce(jnp.maximum, _taps(x, window))


def _taps(x: Array, window: tuple[int, int]) -> list[Array]:
    rows, columns = window
    height, width = x.shape[1] // rows * rows, x.shape[2] // columns * columns
    return [x[:, i:height:rows, j:width:columns] for i in range(rows) for j in range(columns)]


def _forward(x: Array, window: tuple[int, int]):
    y = _side_by_side(x, window)
    return y, (x, y)


def _backward(window: tuple[int, int], saved: tuple[Array, Array], g: Array):
    x, y = saved
    batch, height, width, channels = y.shape
    ties = functools.reduce(jnp.add, ((tap == y).astype(g.dtype) for tap in _taps(x, window)))
    share = lax.optimization_barrier(g / ties)  # else divided once for every pixel

    def spread(part: Array) -> Array:
        shape = (batch, height, window[0], width, window[1], channels)
        tiles = jnp.broadcast_to(part[:, :, None, :, None], shape)
        return tiles.reshape(batch, height * window[0], width * window[1], channels)

    inside = x[:, : height * window[0], : width * window[1]]
    dx = jnp.where(inside == spread(y), spread(share), 0)
    rest = ((0, 0), (0, x.shape[1] - dx.shape[1]), (0, x.shape[2] - dx.shape[2]), (0, 0))
    return (jnp.pad(dx, rest),)


_side_by_side.defvjp(_forward, _backward)
