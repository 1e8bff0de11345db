"""Random changes of colour. See the package for the range of values."""

import jax
import jax.numpy as jnp

from tlx.augment import tone
from tlx.contract import Images, Key


def color_jitter(
    key: Key,
    x: Images,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
) -> Images:
    """Brightness, contrast and saturation by factors U(1 - s, 1 + s) (0 at least), then hue by U(-hue, hue) turns.

    In this order always; torchvision draws the order anew each time.
    """
    draws = jax.random.uniform(key, (4, x.shape[0]), minval=-1.0)
    x = tone.brightness(x, jnp.maximum(1 + brightness * draws[0], 0))
    x = tone.contrast(x, jnp.maximum(1 + contrast * draws[1], 0))
    if x.shape[3] == 1:
        return x
    x = tone.saturation(x, jnp.maximum(1 + saturation * draws[2], 0))
    return tone.hue(x, hue * draws[3])


def grayscale(key: Key, x: Images, probability: float = 0.2) -> Images:
    """In grey, all channels alike, with a probability."""
    grey = jax.random.bernoulli(key, probability, (x.shape[0], 1, 1, 1))
    return jnp.where(grey, tone.luma(x), x)
