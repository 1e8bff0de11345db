"""Augmentation on the device: pure, whole-batch, vmappable. Images are normalised floats [B, H, W, C].

Weak: a random shift of up to two pixels (French et al. 2018). Strong: the shift, a random affine map near the identity,
an intensity change and Gaussian noise.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tlx.errors import SettingError

Images = Float[Array, "batch height width channels"]


def shift(key: PRNGKeyArray, x: Images, pixels: int = 2) -> Images:
    """Each image moved by whole pixels, drawn from [-pixels, pixels] for each axis; the border is repeated."""
    offsets = jax.random.randint(key, (x.shape[0], 2), 0, 2 * pixels + 1)
    padded = jnp.pad(x, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="edge")
    crop = jax.vmap(lambda image, at: jax.lax.dynamic_slice(image, (at[0], at[1], 0), x.shape[1:]))
    return crop(padded, offsets)


def affine(key: PRNGKeyArray, x: Images, std: float = 0.1) -> Images:
    """Each image under the map I + std * N(0, 1) about its centre, bilinear; outside lies the nearest border pixel."""
    batch, height, width, _ = x.shape
    matrices = jnp.eye(2) + std * jax.random.normal(key, (batch, 2, 2))
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2])
    grid = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"), -1) - centre
    at = jnp.einsum("bij,hwj->bhwi", matrices, grid) + centre
    return _bilinear(x, at)


def _bilinear(x: Images, at: Float[Array, "batch height width 2"]) -> Images:
    height, width = x.shape[1:3]
    row = jnp.clip(at[..., 0], 0, height - 1)
    column = jnp.clip(at[..., 1], 0, width - 1)
    top = jnp.minimum(row.astype(jnp.int32), max(height - 2, 0))
    left = jnp.minimum(column.astype(jnp.int32), max(width - 2, 0))
    down, right = (row - top)[..., None], (column - left)[..., None]
    image = jnp.arange(x.shape[0])[:, None, None]
    below, beside = jnp.minimum(top + 1, height - 1), jnp.minimum(left + 1, width - 1)
    upper = x[image, top, left] * (1 - right) + x[image, top, beside] * right
    lower = x[image, below, left] * (1 - right) + x[image, below, beside] * right
    return upper * (1 - down) + lower * down


def intensity(key: PRNGKeyArray, x: Images, scale: float = 0.25, offset: float = 0.25) -> Images:
    """Each image times 1 + U(-scale, scale), plus U(-offset, offset)."""
    gain, bias = jax.random.uniform(key, (2, x.shape[0], 1, 1, 1), minval=-1.0)
    return x * (1 + scale * gain) + offset * bias


def noise(key: PRNGKeyArray, x: Images, std: float = 0.1) -> Images:
    """Plus std * N(0, 1) at every pixel and channel."""
    return x + std * jax.random.normal(key, x.shape)


def augment(key: PRNGKeyArray, x: Images, strength: str = "weak") -> Images:
    """The weak or the strong policy. Raises SettingError for another strength."""
    if strength not in ("weak", "strong"):
        raise SettingError(f"augmentation strength is {strength!r}; expected 'weak' or 'strong'")
    keys = jax.random.split(key, 4)
    x = shift(keys[0], x)
    return noise(keys[3], intensity(keys[2], affine(keys[1], x))) if strength == "strong" else x
