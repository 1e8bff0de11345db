"""Street View house numbers, cropped digits: 32x32 RGB, 73,257 train and 26,032 test rows.

The 531,131 extra rows, which are easier, are left out.

Reference: Netzer, Wang, Coates, Bissacco, Wu, Ng, "Reading digits in natural images with unsupervised feature
learning", NIPS workshop 2011.
"""

from pathlib import Path

import numpy as np

from tlx import DataError
from tlx.data import Dataset
from tlx.store import File, Prepared
from tlx_datasets import tfds
from tlx_datasets.rows import by_content

DIGITS = tuple("0123456789")
HOST = "http://ufldl.stanford.edu/housenumbers"
FILES = (
    File(
        "train_32x32.mat",
        "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        (f"{HOST}/train_32x32.mat",),
        182040794,
    ),
    File(
        "test_32x32.mat",
        "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        (f"{HOST}/test_32x32.mat",),
        64275384,
    ),
)


def build(folder: Path) -> Dataset:
    """The dataset from the two .mat files in `folder`. Raises DataError where one is damaged."""
    parts = []
    for split in ("train", "test"):
        x, y = _read(folder / f"{split}_32x32.mat")
        parts.append(by_content("svhn_cropped", split, x, y))
    return Dataset("svhn_cropped", parts[0], parts[1], DIGITS)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat

    try:
        held = loadmat(path, variable_names=("X", "y"))
        x, y = np.moveaxis(held["X"], 3, 0), held["y"].ravel()
    except Exception as error:  # scipy's reader has errors of many kinds for a damaged file
        raise DataError(f"{path}: not a whole .mat file of SVHN: {type(error).__name__}: {error}") from error
    if x.shape[1:] != (32, 32, 3) or y.min(initial=10) < 1 or y.max(initial=1) > 10:
        raise DataError(f"{path}: images {x.shape[1:]}, labels {y.min()} to {y.max()}; expected (32, 32, 3), 1 to 10.")
    return x, y % 10  # the file calls 0 "10"


svhn_cropped = Prepared(
    "svhn_cropped",
    build,
    FILES,
    source=HOST,
    licence="non-commercial use only",
    ready=lambda: tfds.ready("svhn_cropped", "svhn_cropped"),
)
