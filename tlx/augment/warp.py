"""Bilinear resampling of images under an affine map each, and the maps."""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.errors import SettingError, nearest

Images = Float[Array, "batch height width channels"]
Maps = Float[Array, "batch 2 2"]
Vectors = Float[Array, "batch 2"]
Each = Float[Array, "batch"]
T = TypeVar("T")
FILLS = ("zero", "edge")


def warp(x: Images, maps: Maps, offset: Vectors | None = None, fill: str = "zero") -> Images:
    """y(p) = x(A (p - c) + c + b), bilinear, p = (row, column) in pixels, c the centre of the image.

    A is `maps`, from places in the output to places in the input; b is `offset`, zero by default. Outside lies black
    (`fill` "zero") or the nearest border pixel ("edge"). Raises SettingError for another `fill`.
    """
    known("fill", fill, FILLS)
    height, width = x.shape[1:3]
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2], maps.dtype)
    rows = (jnp.arange(height, dtype=maps.dtype) - centre[0])[None, :, None]
    columns = (jnp.arange(width, dtype=maps.dtype) - centre[1])[None, None, :]
    # not a matrix product: an accelerator would round its factors to fewer digits, which moves pixels
    parts = [maps[:, i, 0, None, None] * rows + maps[:, i, 1, None, None] * columns for i in range(2)]
    at = jnp.stack(parts, -1) + centre.reshape(1, 1, 1, 2)
    if offset is not None:
        at = at + offset[:, None, None]
    if fill == "zero":
        x, at = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), at + 1
    return bilinear(*settled((x, at)))


def settled(values: T) -> T:
    """The values, computed once: XLA for the CPU would compute them anew at every pixel that reads them."""
    return jax.lax.optimization_barrier(values)


def bilinear(x: Images, at: Float[Array, "batch rows columns 2"]) -> Float[Array, "batch rows columns channels"]:
    """Each image at the places `at` (row, column), a place outside being moved to the border."""
    batch, height, width, channels = x.shape
    row, column = jnp.clip(at[..., 0], 0, height - 1), jnp.clip(at[..., 1], 0, width - 1)
    top = jnp.minimum(row.astype(jnp.int32), max(height - 2, 0))
    left = jnp.minimum(column.astype(jnp.int32), max(width - 2, 0))
    down, right = (row - top.astype(at.dtype))[..., None], (column - left.astype(at.dtype))[..., None]
    below, beside = width * min(1, height - 1), min(1, width - 1)
    pixels = x.reshape(-1, channels)
    corner = jnp.arange(batch)[:, None, None] * (height * width) + top * width + left

    def beyond(step: int):
        return pixels.at[corner + step].get(mode="promise_in_bounds").astype(at.dtype)

    upper = beyond(0) * (1 - right) + beyond(beside) * right
    lower = beyond(below) * (1 - right) + beyond(below + beside) * right
    return (upper * (1 - down) + lower * down).astype(x.dtype)


def rotation(degrees: Each) -> Maps:
    """[[cos, sin], [-sin, cos]]: the image turns counter-clockwise, as PIL's `rotate`."""
    angle = jnp.deg2rad(degrees)
    return matrices(jnp.cos(angle), jnp.sin(angle), -jnp.sin(angle), jnp.cos(angle))


def matrices(
    row_row: Each | float, row_column: Each | float, column_row: Each | float, column_column: Each | float
) -> Maps:
    """[[a, b], [c, d]] for each image, from its four entries."""
    entries = jnp.broadcast_arrays(*(jnp.asarray(entry) for entry in (row_row, row_column, column_row, column_column)))
    return jnp.stack(entries, -1).reshape(-1, 2, 2)


def after(first: Maps, second: Maps) -> Maps:
    """The product of two maps of each image, in full precision."""
    return jnp.matmul(first, second, precision="highest")


def known(what: str, got: str, options: tuple[str, ...]) -> None:
    """Raises SettingError unless `got` is one of `options`."""
    if got not in options:
        guess = nearest(str(got), options)
        hint = f"; did you mean {guess[0]}?" if guess else ""
        raise SettingError(f"{what} is {got!r}; expected one of {', '.join(options)}{hint}")
