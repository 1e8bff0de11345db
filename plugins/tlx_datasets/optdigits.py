"""The UCI optical digits, drawn as MNIST's are."""

import numpy as np

from tlx.data import Arrays, Dataset, choose_rows
from tlx_datasets.package import package_file

DIGITS = tuple("0123456789")


def load() -> Dataset:
    """Handwritten digits of UCI's optdigits, enlarged: 28x28 grey, 1,297 train and 500 test rows.

    From the file digits.csv.gz of the package scikit-learn, 1,797 images of 8x8 pixels with values 0 to 16 (the test
    part of UCI's data). Values are scaled to 0 to 255, images enlarged to 20x20 (bicubic) in the middle of 28x28 as
    MNIST's digits are. The split is fixed: 50 rows of each class are test, chosen by the hash of their origin.

    Reference: Alpaydin, Kaynak, "Cascading classifiers", Kybernetika 34, 1998.

    Raises:
        DataError: scikit-learn is not installed.
    """
    file = package_file("sklearn", "datasets/data/digits.csv.gz", "scikit-learn")
    table = np.loadtxt(file, dtype=np.uint8, delimiter=",")
    x, y = enlarge(table[:, :-1].reshape(-1, 8, 8)), table[:, -1].astype(np.int32)
    origin = np.array([f"optdigits/{row:04d}" for row in range(len(y))])
    test = choose_rows(y, origin, 50, "optdigits test")
    train, test = (Arrays(x[rows], y[rows], origin[rows]) for rows in (~test, test))
    return Dataset("optdigits", train, test, DIGITS)


def enlarge(small: np.ndarray) -> np.ndarray:
    """Images [N, 8, 8] of 0..16 as uint8 [N, 28, 28, 1]: 2.5 times as large, in the middle."""
    from PIL import Image

    grey = np.rint(small * (255 / 16)).astype(np.uint8)
    grey = np.pad(grey, ((0, 0), (3, 3), (3, 3)))  # strokes that reach the edge then fade out, and are not cut off
    box = (1.4, 1.4, 12.6, 12.6)  # the middle 11.2 = 28 / 2.5 pixels of 14
    drawn = [Image.fromarray(image).resize((28, 28), Image.Resampling.BICUBIC, box) for image in grey]
    return np.stack([np.asarray(image) for image in drawn])[..., None]
