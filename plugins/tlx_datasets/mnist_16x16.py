"""MNIST at 16x16, each pixel interpolated between four, as `tf.image.resize` of TensorFlow 1 makes it.

Reference: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

import numpy as np

from tlx.data import Arrays, Dataset
from tlx.store import Prepared
from tlx_datasets.mnist import mnist

SIZE = 16


def build(digits: Dataset, _) -> Dataset:
    """The images of `mnist` at 16x16; the strokes are thinner than of a resize that averages."""
    parts = [Arrays(smaller(part.x), part.y, part.origin) for part in (digits.train, digits.test)]
    return Dataset("mnist_16x16", parts[0], parts[1], digits.classes)


def smaller(x: np.ndarray) -> np.ndarray:
    """Images [rows, H, H, 1] as uint8 [rows, 16, 16, 1]: pixel i is read at i H / 16, bilinear, without half-pixels."""
    for axis in (1, 2):
        at = np.arange(SIZE) * x.shape[axis] / SIZE
        low = np.floor(at).astype(int)
        part = (at - low).reshape([-1 if place == axis else 1 for place in range(4)])
        high = np.minimum(low + 1, x.shape[axis] - 1)
        x = np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part
    return np.rint(x).astype(np.uint8)


mnist_16x16 = Prepared(
    "mnist_16x16",
    build,
    needs=(mnist,),
    source="made here from MNIST",
    licence=mnist.licence,
)
