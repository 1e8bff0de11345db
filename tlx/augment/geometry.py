"""Random moves of pixels. See the package for the range of values."""

import jax
import jax.numpy as jnp

from tlx.augment.warp import after, known, matrices, rotation, warp
from tlx.contract import Images, Key

PADDINGS = {"zero": "constant", "edge": "edge", "reflect": "reflect"}


def crop(key: Key, x: Images, pad: int = 4, mode: str = "zero") -> Images:
    """A window of the image's size from the image padded by `pad` pixels: a shift by whole pixels in [-pad, pad].

    `mode` is what the padding holds: "zero" (black), "edge" or "reflect". Raises SettingError for another.
    """
    known("mode", mode, tuple(PADDINGS))
    offsets = jax.random.randint(key, (x.shape[0], 2), 0, 2 * pad + 1)
    padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode=PADDINGS[mode])
    cut = jax.vmap(lambda image, at: jax.lax.dynamic_slice(image, (at[0], at[1], 0), x.shape[1:]))
    return cut(padded, offsets)


def flip(key: Key, x: Images, probability: float = 0.5) -> Images:
    """Left and right changed, with a probability."""
    flipped = jax.random.bernoulli(key, probability, (x.shape[0], 1, 1, 1))
    return jnp.where(flipped, x[:, :, ::-1], x)


def rotate(key: Key, x: Images, degrees: float = 10.0, fill: str = "zero") -> Images:
    """Turned about the centre by U(-degrees, degrees), bilinear."""
    return warp(x, rotation(degrees * _signed(key, x.shape[0])), fill=fill)


def shear(key: Key, x: Images, slope: float = 0.3, fill: str = "zero") -> Images:
    """Columns moved by U(-slope, slope) pixels a row, then rows so a column, with another draw."""
    across, along = slope * _signed(key, 2, x.shape[0])
    return warp(x, after(matrices(1.0, 0.0, across, 1.0), matrices(1.0, along, 0.0, 1.0)), fill=fill)


def translate(key: Key, x: Images, fraction: float = 0.1, fill: str = "zero") -> Images:
    """Moved by U(-fraction, fraction) of the height and of the width, bilinear between pixels."""
    offset = fraction * _signed(key, x.shape[0], 2) * jnp.array([x.shape[1:3]], jnp.float32)
    return warp(x, jnp.broadcast_to(jnp.eye(2), (x.shape[0], 2, 2)), offset, fill)


def scale(key: Key, x: Images, low: float = 0.8, high: float = 1.2, fill: str = "zero") -> Images:
    """Enlarged about the centre by U(low, high), the same for height and width."""
    factor = jax.random.uniform(key, (x.shape[0],), minval=low, maxval=high)
    return warp(x, matrices(1 / factor, 0.0, 0.0, 1 / factor), fill=fill)


def affine(key: Key, x: Images, std: float = 0.1, fill: str = "edge") -> Images:
    """Under the map I + std * N(0, 1) about the centre (French, Mackiewicz, Fisher 2018)."""
    return warp(x, jnp.eye(2)[None] + std * jax.random.normal(key, (x.shape[0], 2, 2)), fill=fill)


def _signed(key: Key, *shape: int) -> jax.Array:
    return jax.random.uniform(key, shape, minval=-1.0)
