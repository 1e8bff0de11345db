"""RandAugment with the operations and ranges of FixMatch."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from tlx.augment import tone
from tlx.augment.warp import after, matrices, rotation, settled, warp
from tlx.contract import Images, Key

OPERATIONS: Sequence[str] = (
    "identity autocontrast brightness color contrast equalize posterize rotate sharpness shear_x shear_y solarize "
    "translate_x translate_y"
).split()


def randaugment(key: Key, x: Images, layers: int = 2) -> Images:
    """`layers` times, to each image one of `OPERATIONS`, drawn uniformly, at a strength drawn uniformly.

    The list and the ranges are those of FixMatch (Sohn et al. 2020, table 12), after Cubuk et al. (2020).

    Every operation drawn is applied; FixMatch-pytorch applies each with probability 0.5. Shears are about the centre;
    there, and in Pillow, they are about the corner, which moves the whole image by half its side times the slope more:
    up to 4.8 pixels at 32x32.
    """
    for layer in jax.random.split(key, layers) if layers else ():
        which, strength = jax.random.split(layer)
        x = operate(
            x, jax.random.randint(which, (x.shape[0],), 0, len(OPERATIONS)), jax.random.uniform(strength, x.shape[:1])
        )
    return x


def operate(x: Images, which: jax.Array, strength: jax.Array) -> Images:
    """To each image the operation `OPERATIONS[which]` [N] at a `strength` [N] in [0, 1], lowest to highest.

    The geometric ones are one warp of the batch, and every other is computed for all images and taken where drawn: a
    branch for each image would be a loop over images, or all branches under `vmap`.
    """
    x, which, strength = settled((_moved(x, which, 2 * strength - 1), which, strength))
    factor = 0.05 + 0.9 * strength
    changed = {
        "autocontrast": tone.autocontrast(x),
        "brightness": tone.brightness(x, factor),
        "color": tone.saturation(x, factor),
        "contrast": tone.contrast(x, factor),
        "equalize": tone.equalize(x),
        "posterize": tone.posterize(x, 4 + jnp.minimum((5 * strength).astype(jnp.int32), 4)),
        "sharpness": tone.sharpness(x, factor),
        "solarize": tone.solarize(x, strength),
    }
    drawn = [(which == OPERATIONS.index(name))[:, None, None, None] for name in changed]
    return jnp.select(drawn, list(changed.values()), x)


def _moved(x: Images, which: jax.Array, signed: jax.Array) -> Images:
    """Rotated by 30 degrees, sheared or moved by 0.3 (of the size), times `signed` in [-1, 1]; outside is black."""

    def only(name: str) -> jax.Array:
        return jnp.where(which == OPERATIONS.index(name), signed, 0.0)

    height, width = x.shape[1:3]
    maps = after(rotation(30 * only("rotate")), matrices(1.0, 0.3 * only("shear_y"), 0.3 * only("shear_x"), 1.0))
    offset = jnp.stack([0.3 * height * only("translate_y"), 0.3 * width * only("translate_x")], -1)
    return warp(x, maps, offset)
