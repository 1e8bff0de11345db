"""MNIST-M: MNIST's digits blended with photographs, 28x28 RGB, 60,000 train and 10,000 test rows.

Reference: Ganin, Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015.
"""

from pathlib import Path

import numpy as np

from tlx.data import Arrays, Dataset
from tlx.store import Prepared
from tlx_datasets import bsds500
from tlx_datasets.mnist import mnist

SEEDS = {"train": 0, "test": 1}
BLOCK = 1024  # digits blended at once


def build(digits: Dataset, folder: Path) -> Dataset:
    """MNIST-M of MNIST and the photographs in a folder.

    x = |crop - digit| per channel, over a random 28x28 crop of a random photograph of BSDS500's training part, one for
    each digit: train rows from MNIST's train split, test rows from its test split, with their labels and origins. A row
    is therefore of the same original as MNIST's, and a task between the two needs a protocol with `shared_origins`.

    The paper's own file was drawn with an unseeded generator and is on no stable host, so scores on it may differ. Here
    photograph, row and column are the raw 64-bit words of NumPy's PCG64(0) for train and PCG64(1) for test, modulo the
    number of places; NumPy promises that these words never change.

    Raises:
        DataError: a photograph that cannot be decoded.
    """
    photographs = bsds500.photographs(folder)
    train, test = (blend(getattr(digits, split), photographs, seed) for split, seed in SEEDS.items())
    return Dataset("mnist_m", train, test, digits.classes)


def blend(digits: Arrays, photographs: list[np.ndarray], seed: int) -> Arrays:
    """Each digit, [28, 28, 1], over a crop of a photograph: |crop - digit|, [28, 28, 3]."""
    rows, height, width = digits.x.shape[:3]
    words = np.random.PCG64(seed).random_raw(3 * rows).reshape(rows, 3)
    places = np.array([(photo.shape[0] - height + 1, photo.shape[1] - width + 1) for photo in photographs], np.uint64)
    chosen = words[:, 0] % np.uint64(len(photographs))
    corners = (words[:, 1:] % places[chosen]).tolist()
    x = np.empty((rows, height, width, 3), np.uint8)
    for start in range(0, rows, BLOCK):
        some = range(start, min(start + BLOCK, rows))
        crops = [
            photographs[chosen[row]][top : top + height, left : left + width]
            for row, (top, left) in zip(some, corners[start : start + BLOCK], strict=True)
        ]
        x[some] = np.abs(np.stack(crops).astype(np.int16) - digits.x[some])
    return Arrays(x, digits.y, digits.origin)


mnist_m = Prepared(
    "mnist_m",
    build,
    bsds500.FILES,
    needs=(mnist,),
    source="made here from MNIST and BSDS500: https://github.com/BIDS/BSDS500",
    licence="MNIST: CC BY-SA 3.0; BSDS500: non-commercial research and education",
)
