"""Convolution that avoids the slow paths of XLA on the CPU, with the signature of `jax.lax.conv_general_dilated`.

On the CPU it is the kernel of `tlx.native`. Where that is not compiled, XLA must do, which brings convolutions into its
fast kernel's layout in the entry computation only; inside a loop the two gradient convolutions fall to a naive
single-threaded kernel. So they are written as matrix products, over blocks of images whose patches stay in cache, and a
depthwise convolution as a sum of shifted images. On other devices this is `jax.lax`'s own.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tlx import native

PATCH_BYTES = 2**22  # of one block's patches: they are to stay in cache
NHWC = ("NHWC", "HWIO", "NHWC")
Around = tuple[tuple[int, int], tuple[int, int]]  # padding above and below, left and right


def conv_general_dilated(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    **rest: Any,
) -> jax.Array:
    """y[b,p,q,o] = sum_ijc x[b, s p + i, s q + j, c] w[i,j,c,o]; arguments as `jax.lax.conv_general_dilated`.

    The engine puts it in the place of every convolution of a network. On the CPU it has reverse-mode derivatives only.
    """
    spec = lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    images = lhs.ndim == 4 and spec == lax.conv_dimension_numbers(lhs.shape, rhs.shape, NHWC)
    if not native.for_cpu() or not images or rest.get("batch_group_count", 1) != 1:
        return lax.conv_general_dilated(
            lhs,
            rhs,
            window_strides,
            padding,
            lhs_dilation,
            rhs_dilation,
            dimension_numbers,
            feature_group_count,
            **rest,
        )
    rhs = _with_holes(rhs, rhs_dilation, (0, 1))
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(lhs.shape[1:3], rhs.shape[:2], window_strides, padding)
    lhs = _with_holes(lhs, lhs_dilation, (1, 2))
    stride: Any = tuple(window_strides)
    around: Any = tuple(map(tuple, padding))
    if feature_group_count == lhs.shape[-1] == rhs.shape[-1] > 1:
        return _of_one_channel_each(lhs, rhs, stride, around)
    groups = zip(jnp.split(lhs, feature_group_count, -1), jnp.split(rhs, feature_group_count, -1), strict=True)
    parts = [_of_all_channels(x, w, stride, around) for x, w in groups]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, -1)


def _with_holes(x: jax.Array, dilation: Sequence[int] | None, axes: tuple[int, int]) -> jax.Array:
    """x with so many places between its neighbours, along two axes, filled with zeros."""
    if dilation is None or all(step == 1 for step in dilation):
        return x
    steps = dict(zip(axes, dilation, strict=True))
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, steps.get(axis, 1) - 1) for axis in range(x.ndim)])


def _of_all_channels(x: jax.Array, w: jax.Array, stride: tuple[int, int], around: Around) -> jax.Array:
    if w.shape[:2] == (1, 1) and stride == (1, 1) and not any(map(any, around)):
        return _pointwise(x, w[0, 0])
    if x.dtype == w.dtype == jnp.float32 and native.available():
        return native.conv(x, w, None, stride, around)
    return _conv(_padded(x, around), w, stride)


def _of_one_channel_each(x: jax.Array, w: jax.Array, stride: tuple[int, int], around: Around) -> jax.Array:
    if x.dtype == w.dtype == jnp.float32 and native.available():
        return native.depthwise(x, w, stride, around)
    return _depthwise(_padded(x, around), w, stride)


def _padded(x: jax.Array, around: Around) -> jax.Array:
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((low, high, 0) for low, high in around), (0, 0, 0)))


@jax.custom_vjp
def _pointwise(x: jax.Array, w: jax.Array) -> jax.Array:
    """y[b,p,q,o] = sum_c x[b,p,q,c] w[c,o]."""
    return x @ w


def _pointwise_backward(saved: tuple[jax.Array, jax.Array], g: jax.Array):
    x, w = saved
    # A gradient that is computed inside this product is written out transposed, and the product is slow on that.
    g = lax.optimization_barrier(g)
    dw = lax.dot_general(x.reshape(-1, w.shape[0]), g.reshape(-1, w.shape[1]), (((0,), (0,)), ((), ())))
    return g @ w.T, dw


_pointwise.defvjp(lambda x, w: (x @ w, (x, w)), _pointwise_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _conv(x: jax.Array, w: jax.Array, stride: tuple[int, int]) -> jax.Array:
    # XLA's kernel for a loop's body runs at half the speed of products over blocks
    bytes_per_image = math.prod(_outputs(x, w.shape, stride)) * math.prod(w.shape[:3]) * 4
    return _in_blocks(functools.partial(_by_patches, w, stride), bytes_per_image, x)


def _outputs(x: jax.Array, kernel: tuple[int, ...], stride: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the convolution."""
    return (x.shape[1] - kernel[0]) // stride[0] + 1, (x.shape[2] - kernel[1]) // stride[1] + 1


def _taps(x: jax.Array, kernel: tuple[int, ...], stride: tuple[int, int], outputs: tuple[int, int]) -> list[jax.Array]:
    """For each place of the kernel, row by row, the pixels that it meets: [batch, *outputs, channels] each."""
    height, width = ((outputs[axis] - 1) * stride[axis] + 1 for axis in (0, 1))
    return [
        x[:, i : i + height : stride[0], j : j + width : stride[1]] for i in range(kernel[0]) for j in range(kernel[1])
    ]


def _by_patches(w: jax.Array, stride: tuple[int, int], x: jax.Array) -> jax.Array:
    """The convolution as patches, row by row, times the kernel."""
    rows, columns, channels, out = w.shape
    outputs = _outputs(x, w.shape, stride)
    patches = jnp.concatenate(_taps(x, w.shape, stride, outputs), -1).reshape(-1, rows * columns * channels)
    return (patches @ w.reshape(-1, out)).reshape(x.shape[0], *outputs, out)


def _forward(x: jax.Array, w: jax.Array, stride: tuple[int, int]):
    return _conv(x, w, stride), (x, w)


def _backward(stride: tuple[int, int], saved: tuple[jax.Array, jax.Array], g: jax.Array):
    x, w = saved
    bytes_per_image = g.shape[1] * g.shape[2] * math.prod(w.shape[:3]) * 4
    dw = _in_blocks(functools.partial(_weight_gradient, w.shape, stride), bytes_per_image, g, x, reduce=True)
    dw = dw.reshape(w.shape[0], w.shape[3], *w.shape[1:3]).transpose(0, 2, 3, 1)
    dx = _in_blocks(functools.partial(_input_gradient, (x.shape[1], x.shape[2]), stride, w), bytes_per_image, g)
    return dx, dw


_conv.defvjp(_forward, _backward)


def _weight_gradient(shape: tuple[int, ...], stride: tuple[int, int], g: jax.Array, x: jax.Array) -> jax.Array:
    """dw[i,o,jc] = sum_bpq g[b,p,q,o] x[b, s p + i, s q + j, c]: taps along the width, a product per kernel row."""
    rows, columns, channels, out = shape
    height, width = (g.shape[1] - 1) * stride[0] + 1, (g.shape[2] - 1) * stride[1] + 1
    taps = jnp.concatenate([x[:, :, j : j + width : stride[1]] for j in range(columns)], -1)
    slabs = [taps[:, i : i + height : stride[0]].reshape(-1, columns * channels) for i in range(rows)]
    return jnp.stack([g.reshape(-1, out).T @ slab for slab in slabs])


def _input_gradient(size: tuple[int, int], stride: tuple[int, int], w: jax.Array, g: jax.Array) -> jax.Array:
    """dx[b, s p + i, s q + j, c] += sum_o g[b,p,q,o] w[i,j,c,o]: one product, then sums shifted down, then across.

    Down first: what is shifted there is a whole kernel row, long enough to be added at the speed of memory.
    """
    rows, columns, channels, out = w.shape
    batch, height, width, _ = g.shape
    parts = g.reshape(-1, out) @ w.reshape(-1, out).T
    parts = parts.reshape(batch, height, width, rows, columns * channels)
    down = _shifted_sum([parts[:, :, :, i] for i in range(rows)], 1, size[0], stride[0])
    down = lax.optimization_barrier(down).reshape(batch, size[0], width, columns, channels)  # else summed 25 at a time
    return _shifted_sum([down[:, :, :, j] for j in range(columns)], 2, size[1], stride[1])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _depthwise(x: jax.Array, w: jax.Array, stride: tuple[int, int]) -> jax.Array:
    """y[b,p,q,c] = sum_ij x[b, s p + i, s q + j, c] w[i,j,c]."""
    taps = _taps(x, w.shape, stride, _outputs(x, w.shape, stride))
    kernels = w.reshape(-1, w.shape[3])
    return functools.reduce(
        jnp.add, [tap * kernel.reshape(1, 1, 1, -1) for tap, kernel in zip(taps, kernels, strict=True)]
    )


def _depthwise_forward(x: jax.Array, w: jax.Array, stride: tuple[int, int]):
    return _depthwise(x, w, stride), (x, w)


def _depthwise_backward(stride: tuple[int, int], saved: tuple[jax.Array, jax.Array], g: jax.Array):
    """dw[i,j,c] = sum_bpq x[b, s p + i, s q + j, c] g[b,p,q,c]; dx is g, spread by s, under the turned kernel."""
    x, w = saved
    dw = _depthwise_weight_gradient(w.shape, stride, x, g)
    around = [
        (side - 1, size - ((count - 1) * step + 1), step - 1)
        for side, size, count, step in zip(w.shape, x.shape[1:3], g.shape[1:3], stride, strict=False)
    ]
    spread = lax.pad(g, jnp.zeros((), g.dtype), ((0, 0, 0), *around, (0, 0, 0)))
    return _depthwise(spread, w[::-1, ::-1], (1, 1)), dw.reshape(w.shape)


def _depthwise_weight_gradient(shape: tuple[int, ...], stride: tuple[int, int], x: jax.Array, g: jax.Array):
    """[rows * columns, channels]: row by row of outputs, all taps at once, summed along the rows at the end only.

    A sum over leading axes jumps through memory; adding whole rows does not, and takes a tenth of the time.
    """
    batch, height, width, channels = g.shape
    end = (width - 1) * stride[1] + 1

    def row(sums: list[jax.Array], p: jax.Array):
        down = lax.dynamic_index_in_dim(g, p, 1, keepdims=False)
        near = lax.dynamic_slice_in_dim(x, p * stride[0], shape[0], 1)
        taps = [near[:, i, j : j + end : stride[1]] for i in range(shape[0]) for j in range(shape[1])]
        return [total + tap * down for total, tap in zip(sums, taps, strict=True)], None

    zeros = [jnp.zeros((batch, width, channels), g.dtype)] * (shape[0] * shape[1])
    sums, _ = lax.scan(row, zeros, jnp.arange(height))
    ones = jnp.ones(batch * width, g.dtype)
    return jnp.stack([ones @ total.reshape(-1, channels) for total in sums])


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _shifted_sum(parts: list[jax.Array], axis: int, size: int, stride: int) -> jax.Array:
    """y[s p + i] += parts[i][p] along `axis`, a remainder of the stride at a time: XLA spreads parts one by one."""
    length, count = -(-size // stride), parts[0].shape[axis]
    zero = jnp.zeros((), parts[0].dtype)

    def placed(part: jax.Array, at: int) -> jax.Array:
        config = [(0, 0, 0)] * part.ndim
        config[axis] = (at, length - count - at, 0)
        return lax.pad(part, zero, config)

    sums = [
        functools.reduce(jnp.add, [placed(parts[i], i // stride) for i in range(remainder, len(parts), stride)])
        for remainder in range(min(stride, len(parts)))
    ]
    sums += [jnp.zeros_like(sums[0])] * (stride - len(sums))
    y = jnp.stack(sums, axis + 1)
    y = y.reshape(*y.shape[:axis], length * stride, *y.shape[axis + 2 :])
    return lax.slice_in_dim(y, 0, size, axis=axis)


def _in_blocks(function, bytes_per_image: int, *arrays: jax.Array, reduce: bool = False) -> jax.Array:
    """`function` over blocks of images, its results joined along the batch, or summed."""
    batch = arrays[0].shape[0]
    block = max(1, min(batch, PATCH_BYTES // max(bytes_per_image, 1)))
    count = -(-batch // block)
    if count == 1:
        return function(*arrays)
    block = -(-batch // count)
    spare = count * block - batch
    blocks = tuple(
        jnp.pad(array, ((0, spare), *((0, 0),) * (array.ndim - 1))).reshape(count, block, *array.shape[1:])
        for array in arrays
    )
    if not reduce:
        out = lax.map(lambda part: function(*part), blocks)
        return out.reshape(count * block, *out.shape[2:])[:batch]
    zero = jnp.zeros(jax.eval_shape(lambda part: function(*part), tuple(b[0] for b in blocks)).shape, arrays[0].dtype)
    return lax.scan(lambda total, part: (total + function(*part), None), zero, blocks)[0]
