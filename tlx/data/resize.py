"""Images at one size and number of channels, many at a time, with as few copies as may be."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import UInt8

from tlx.data.task import Images

Fitted = UInt8[np.ndarray, "rows {size} {size} {channels}"]
LUMA = (299, 587, 114)  # ITU-R BT.601, in thousandths
CHUNK = 512  # images that are worked on at once: few enough for the processor's caches


def fit(x: Images, size: int, channels: int) -> Fitted:
    """Images at size x size (bilinear, aspect not kept) and 1 or 3 channels (RGB to luma, grey repeated).

    Images that fit are given back as they are, and grey is repeated as a read-only view; nothing is written to `x`.
    """
    depth = min(x.shape[3], channels)
    if x.shape[1:] != (size, size, depth):
        x = by_chunks((len(x), size, size, depth), lambda rows: fit_chunk(x[rows], size, depth), np.uint8)
    return np.broadcast_to(x, (*x.shape[:3], channels))


def by_chunks(shape: tuple[int, ...], make: Callable[[slice], np.ndarray], dtype: Any) -> np.ndarray:
    """An array of this shape, a chunk of whose rows at a time is `make(rows)`, by several threads."""
    out = np.empty(shape, dtype)

    def fill(start: int) -> None:
        rows = slice(start, min(start + CHUNK, len(out)))
        out[rows] = make(rows)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(0, len(out), CHUNK)))
    return out


def fit_chunk(x: Images, size: int, channels: int) -> Fitted:
    """Some images at one size and number of channels, in this thread."""
    if x.shape[3] > channels:
        red, green, blue = (x[..., band] * np.uint32(weight) for band, weight in enumerate(LUMA))
        x = ((red + green + blue + np.uint32(500)) // np.uint32(1000)).astype(np.uint8)[..., None]
    if x.shape[1:3] != (size, size):
        x = _resize(x, size)
    return np.broadcast_to(x, (*x.shape[:3], channels))


def _resize(x: np.ndarray, size: int) -> np.ndarray:
    """Pillow's bilinear resize of every image, along its rows and then along its columns, in two calls for all.

    Each pass treats every line by itself, so the lines of all images may be stacked into one tall image: that gives
    what calls for each image give, bit for bit, in a quarter of the time.
    """
    rows, height, _, channels = x.shape
    wide = _lines(x.transpose(0, 3, 1, 2), size).reshape(rows, channels, height, size)
    tall = _lines(wide.transpose(0, 1, 3, 2), size).reshape(rows, channels, size, size)
    return tall.transpose(0, 3, 2, 1)


def _lines(x: np.ndarray, size: int) -> np.ndarray:
    """The last axis of x at another length."""
    from PIL import Image

    lines = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    return np.asarray(Image.fromarray(lines).resize((size, len(lines)), Image.Resampling.BILINEAR))
