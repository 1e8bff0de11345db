"""Corruptions of small images at five severities, with the constants of CIFAR-10-C, made here.

Images are uint8 [N, H, W, 3]; every function takes them as 0..1 and one constant, and gives 0..1. Randomness comes from
the generator alone.

Reference: Hendrycks, Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
ICLR 2019; the constants are those of its CIFAR-10-C.
"""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tlx import DataError, nearest

BLOCK = 500  # images at once
Corrupt = Callable[[np.ndarray, Any, np.random.Generator], np.ndarray]


class Corruption(NamedTuple):
    """A function and its constant at severity 1 to 5."""

    apply: Corrupt
    constants: tuple[Any, ...]


def corrupted(x: np.ndarray, name: str, severity: int, random: np.random.Generator) -> np.ndarray:
    """Images under a corruption: uint8 like `x`. Values are cut off to 0..255 and rounded down, as in CIFAR-10-C.

    Raises:
        DataError: no such corruption, or a severity other than 1 to 5.
    """
    if name not in CORRUPTIONS:
        guess = " or ".join(nearest(name, CORRUPTIONS)) or ", ".join(CORRUPTIONS)
        raise DataError(f"There is no corruption '{name}'; nearest: {guess}.")
    if not 1 <= severity <= 5:
        raise DataError(f"Corruption '{name}': severity {severity}; expected 1 to 5.")
    apply, constant = CORRUPTIONS[name].apply, CORRUPTIONS[name].constants[severity - 1]
    out = np.empty_like(x)
    for start in range(0, len(x), BLOCK):
        values = apply(x[start : start + BLOCK] / 255, constant, random)
        # 254.99999999999997 stands for 255: what a corruption leaves alone must come back as it was
        out[start : start + BLOCK] = np.floor(np.clip(values, 0, 1) * 255 + 1e-6)
    return out


def gaussian_noise(x, scale: float, random: np.random.Generator):
    """x + N(0, scale^2)."""
    return x + random.normal(0, scale, x.shape)


def shot_noise(x, photons: float, random: np.random.Generator):
    """Poisson(x * photons) / photons."""
    return random.poisson(x * photons) / photons


def speckle_noise(x, scale: float, random: np.random.Generator):
    """x + x * N(0, scale^2)."""
    return x + x * random.normal(0, scale, x.shape)


def impulse_noise(x, amount: float, random: np.random.Generator):
    """Each value is 0 or 1 with probability amount / 2 each."""
    draw = random.random(x.shape)
    return np.where(draw < amount / 2, 0.0, np.where(draw < amount, 1.0, x))


def gaussian_blur(x, sigma: float, random: np.random.Generator):
    """Convolution with a Gaussian, the edges repeated."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest")


def defocus_blur(x, disk: tuple[float, float], random: np.random.Generator):
    """Convolution with a disk of a radius, itself blurred by a 3x3 Gaussian of a sigma; the edges mirrored."""
    kernel, (height, width) = disk_kernel(*disk), x.shape[1:3]
    wide = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    out = np.zeros_like(x)
    for row, column in np.argwhere(kernel > 0):
        out += kernel[row, column] * wide[:, row : row + height, column : column + width]
    return out


def disk_kernel(radius: float, sigma: float) -> np.ndarray:
    """[7, 7], sum 1."""
    from scipy.ndimage import convolve1d

    rows, columns = np.indices((7, 7)) - 3
    disk = (rows**2 + columns**2 <= radius**2).astype(float)
    taps = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * sigma**2))
    taps /= taps.sum()
    spread = convolve1d(convolve1d(disk, taps, axis=0, mode="constant"), taps, axis=1, mode="constant")
    return spread / spread.sum()


def brightness(x, more: float, random: np.random.Generator):
    """HSV value + more: hue and saturation stay, so all channels grow by one factor."""
    value = x.max(3, keepdims=True)
    brighter = np.minimum(value + more, 1)
    return np.where(value > 0, x * brighter / np.where(value > 0, value, 1), brighter)


def saturate(x, line: tuple[float, float], random: np.random.Generator):
    """HSV saturation * a + b, cut off to 0..1; what is grey has hue 0 and turns red."""
    factor, more = line
    value, low = x.max(3, keepdims=True), x.min(3, keepdims=True)
    chroma = value - low
    saturation = chroma / np.where(value > 0, value, 1)
    after = np.clip(saturation * factor + more, 0, 1)
    fall = np.where(chroma > 0, (value - x) / np.where(chroma > 0, chroma, 1), np.array([0.0, 1.0, 1.0]))
    return value * (1 - after * fall)


def contrast(x, factor: float, random: np.random.Generator):
    """(x - mean) * factor + mean, with the mean of each image's channel."""
    mean = x.mean((1, 2), keepdims=True)
    return (x - mean) * factor + mean


def jpeg_compression(x, quality: int, random: np.random.Generator):
    """Through a JPEG of a quality."""

    def change(image):
        from PIL import Image

        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return _each(x, change)


def pixelate(x, share: float, random: np.random.Generator):
    """Down to a share of the size and up again, by boxes."""

    def change(image):
        from PIL import Image

        small = image.resize(tuple(int(side * share) for side in image.size), Image.Resampling.BOX)
        return small.resize(image.size, Image.Resampling.BOX)

    return _each(x, change)


def _each(x: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(change(Image.fromarray(image))) for image in np.rint(x * 255).astype(np.uint8)]) / 255


CORRUPTIONS = {
    "gaussian_noise": Corruption(gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": Corruption(shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": Corruption(impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "speckle_noise": Corruption(speckle_noise, (0.06, 0.1, 0.12, 0.16, 0.2)),
    "defocus_blur": Corruption(defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    "gaussian_blur": Corruption(gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1)),
    "brightness": Corruption(brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": Corruption(contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "saturate": Corruption(saturate, ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))),
    "jpeg_compression": Corruption(jpeg_compression, (80, 65, 58, 50, 40)),
    "pixelate": Corruption(pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
}
