"""Noise, blur, holes and random intensities. See the package for the range of values."""

import jax
import jax.numpy as jnp

from tlx.augment.warp import Each
from tlx.contract import Images, Key
from tlx.errors import SettingError


def noise(key: Key, x: Images, std: float = 0.05) -> Images:
    """Plus std * N(0, 1) at every pixel and channel; not clipped."""
    return x + std * jax.random.normal(key, x.shape, x.dtype)


def intensity(key: Key, x: Images, low: float = 0.25, high: float = 1.5, offset: float = 0.25, flip: float = 0.5):
    """x <- 1/2 + s f (x - 1/2) + o with s ~ U(low, high), o ~ U(-offset, offset), f = -1 with probability `flip`.

    The intensity augmentation of French, Mackiewicz, Fisher (2018), about mid-grey: flipped, black is white. Not
    clipped. Their offset 0.5 is in units of the standard deviation; where a protocol's is 0.5, that is 0.25 here.
    """
    keys, shape = jax.random.split(key, 3), (x.shape[0], 1, 1, 1)
    gain = jax.random.uniform(keys[0], shape, x.dtype, low, high)
    gain = jnp.where(jax.random.bernoulli(keys[1], flip, shape), -gain, gain)
    return 0.5 + gain * (x - 0.5) + jax.random.uniform(keys[2], shape, x.dtype, -offset, offset)


def cutout(key: Key, x: Images, size: float = 0.5, value: float = 0.5) -> Images:
    """A square of side round(size * min(H, W)) about a uniform pixel set to `value`; beyond the border it is cut off.

    DeVries and Taylor (2017). Raises SettingError unless 0 <= size <= 1.
    """
    if not 0 <= size <= 1:
        raise SettingError(f"cutout: size is {size}; expected a part of the image, 0 to 1")
    height, width = x.shape[1:3]
    side = round(size * min(height, width))
    centres = jax.random.randint(key, (x.shape[0], 2), 0, jnp.array([[height, width]]))
    first = centres - side // 2

    def inside(axis: int, length: int):
        place = jnp.arange(length)[None] - first[:, axis, None]
        return (place >= 0) & (place < side)

    hole = inside(0, height)[:, :, None, None] & inside(1, width)[:, None, :, None]
    return jnp.where(hole, jnp.asarray(value, x.dtype), x)


def blur(key: Key, x: Images, low: float = 0.1, high: float = 2.0) -> Images:
    """A Gaussian of standard deviation U(low, high) pixels for each image."""
    sigma = jax.random.uniform(key, (x.shape[0],), minval=low, maxval=high)
    return gaussian(x, sigma, max(1, round(3 * high)))


def gaussian(x: Images, sigma: Each, radius: int) -> Images:
    """Convolved with exp(-d^2 / (2 sigma^2)), |d| <= radius, normed to sum 1, along rows and columns.

    The border is reflected, its outermost pixel not repeated; `radius` is cut to the image's size less one.
    """
    for axis in (1, 2):
        length = x.shape[axis]
        reach = min(radius, length - 1)
        steps = jnp.arange(-reach, reach + 1, dtype=sigma.dtype)[None]
        weights = jnp.exp(-(steps**2) / (2 * sigma[:, None] ** 2))
        weights = (weights / weights.sum(1, keepdims=True)).astype(x.dtype)[:, :, None, None, None]
        pad = [(0, 0)] * 4
        pad[axis] = (reach, reach)
        padded = jnp.pad(x, pad, mode="reflect")
        windows = [jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(2 * reach + 1)]
        x = sum((weights[:, i] * window for i, window in enumerate(windows)), jnp.zeros_like(x))
    return x
