"""Changes of colour and tone with a strength per image; nothing here is random.

They do what Pillow's `ImageEnhance` and `ImageOps` do, in floats: images [N, H, W, C] in [0, 1], strengths [N].
A `factor` f mixes an image x with a degenerate one d: clip(d + f (x - d), 0, 1); 1 changes nothing.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tlx.augment.warp import Each
from tlx.contract import Images

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
SMOOTH = ((1, 1, 1), (1, 5, 1), (1, 1, 1))  # Pillow's kernel, over 13


def luma(x: Images) -> Float[Array, "batch height width 1"]:
    """Grey as seen, [N, H, W, 1]; a grey image as it is."""
    if x.shape[3] == 1:
        return x
    return LUMA[0] * x[..., :1] + LUMA[1] * x[..., 1:2] + LUMA[2] * x[..., 2:]


def blend(degenerate: Float[Array, "batch #height #width #channels"] | float, x: Images, factor: Each) -> Images:
    """clip(d + f (x - d), 0, 1)."""
    return jnp.clip(degenerate + _each(factor).astype(x.dtype) * (x - degenerate), 0, 1)


def brightness(x: Images, factor: Each) -> Images:
    """A blend with black."""
    return blend(0.0, x, factor)


def contrast(x: Images, factor: Each) -> Images:
    """A blend with the image's mean grey."""
    return blend(luma(x).mean((1, 2, 3), keepdims=True), x, factor)


def saturation(x: Images, factor: Each) -> Images:
    """A blend with the image in grey."""
    return blend(luma(x), x, factor)


def sharpness(x: Images, factor: Each) -> Images:
    """A blend with the image smoothed by [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13, whose border is left as it is."""
    height, width = x.shape[1:3]
    if min(height, width) < 3:
        return x
    parts = [
        weight * x[:, i : i + height - 2, j : j + width - 2]
        for i, line in enumerate(SMOOTH)
        for j, weight in enumerate(line)
    ]
    smooth = x.at[:, 1:-1, 1:-1].set(sum(parts[1:], parts[0]) / 13)
    return blend(smooth, x, factor)


def hue(x: Images, turns: Each) -> Images:
    """The hue of HSV moved by `turns` of the colour circle; a grey image as it is."""
    if x.shape[3] == 1:
        return x
    kind, x = x.dtype, x.astype(turns.dtype)
    value, least = x.max(-1), x.min(-1)
    chroma = value - least
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    over = jnp.where(chroma > 0, chroma, 1)
    # not `value == red`: where a program computes x twice, the two may differ in the last digit
    sixths = jnp.where(
        (red >= green) & (red >= blue),
        (green - blue) / over,
        jnp.where(green >= blue, 2 + (blue - red) / over, 4 + (red - green) / over),
    )
    place = (jnp.array([5, 3, 1], x.dtype).reshape(1, 1, 1, 3) + sixths[..., None] + 6 * _each(turns)) % 6
    ramp = jnp.clip(jnp.minimum(place, 4 - place), 0, 1)
    return (value[..., None] - chroma[..., None] * ramp).astype(kind)


def autocontrast(x: Images) -> Images:
    """Each channel stretched to [0, 1]: (x - min) / (max - min); a channel of one value stays."""
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    return jnp.where(high > low, (x - low) / jnp.where(high > low, high - low, 1), x)


def equalize(x: Images) -> Images:
    """Each channel's histogram of 256 levels made flat, in the whole numbers of Pillow's `equalize`."""
    batch, height, width, channels = x.shape
    levels = _levels(x).transpose(0, 3, 1, 2).reshape(batch * channels, -1)
    first = jnp.arange(batch * channels)[:, None] * 256
    bins = jnp.zeros(batch * channels * 256, jnp.int32).at[first + levels].add(1, mode="promise_in_bounds")
    counts = bins.reshape(-1, 256)
    total = height * width
    in_last = jnp.take_along_axis(counts, levels.max(1, keepdims=True), axis=1)
    step = (total - in_last) // 255
    table = (step // 2 + jnp.cumsum(counts, 1) - counts) // jnp.maximum(step, 1)
    table = jnp.where(step > 0, jnp.minimum(table, 255), jnp.arange(256, dtype=table.dtype)[None])
    flat = table.reshape(-1).at[first + levels].get(mode="promise_in_bounds")
    return (flat.reshape(batch, channels, height, width).transpose(0, 2, 3, 1) / 255).astype(x.dtype)


def posterize(x: Images, bits: Int[Array, "batch"]) -> Images:
    """The highest `bits` (1 to 8) of 8 kept."""
    unit = 2 ** (8 - _each(bits))
    return (_levels(x) // unit * unit / 255).astype(x.dtype)


def solarize(x: Images, threshold: Each) -> Images:
    """x below the threshold, 1 - x from there on."""
    return jnp.where(x.astype(threshold.dtype) < _each(threshold), x, 1 - x)


def _each(strength: Array) -> Array:
    return jnp.asarray(strength)[:, None, None, None]


def _levels(x: Images) -> Array:
    return jnp.clip(jnp.round(x * 255), 0, 255).astype(jnp.int32)
