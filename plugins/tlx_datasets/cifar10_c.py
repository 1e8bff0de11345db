"""CIFAR-10-C, the published corruptions of CIFAR-10's test images: 32x32 RGB, 10,000 test rows a severity.

Reference: Hendrycks, Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
ICLR 2019.
"""

import io
from pathlib import Path

import numpy as np

from tlx import DataError, nearest
from tlx.data import Arrays, Dataset, choose_rows
from tlx.store import File, Prepared
from tlx_datasets.archive import members
from tlx_datasets.cifar10 import cifar10
from tlx_datasets.names import PUBLISHED
from tlx_datasets.severity import parse

ARCHIVE = File(
    "CIFAR-10-C.tar",
    "c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
    ("https://zenodo.org/records/2535967/files/CIFAR-10-C.tar",),
    2918471680,
)
ROWS = 10_000
TRAIN = 10  # of each class


def load(name: str) -> Prepared:
    """One corruption of CIFAR-10-C at one severity: `cifar10_c:gaussian_noise/5`.

    Test rows are the 10,000 images in their published order. CIFAR-10-C has no train images, and it is for test-time
    strategies, which adapt on the test rows as they come: the train split is a stand-in, 100 clean images of CIFAR-10,
    ten of each class. For adaptation to a corrupted train split take `cifar10_corrupted:`.

    The origin of a test row is its place in CIFAR-10's own test file. The dataset `cifar10` keeps another order, so its
    test images are not seen to be the same originals: hold out source train rows to select by (`Protocol.validation`).

    Raises:
        DataError: no such corruption, or a severity other than 1 to 5.
    """
    corruption, severity = parse("cifar10_c", name)
    if corruption not in PUBLISHED:
        guess = " or ".join(nearest(corruption, PUBLISHED)) or ", ".join(PUBLISHED)
        raise DataError(f"CIFAR-10-C has no corruption '{corruption}'; nearest: {guess}.")
    return Prepared(
        f"cifar10_c:{name}",
        lambda clean, folder: build(clean, folder, corruption, severity),
        (ARCHIVE,),
        needs=(cifar10,),
        source="https://zenodo.org/records/2535967",
        licence="CC BY 4.0",
        raw="cifar10_c",
    )


def build(clean: Dataset, folder: Path, corruption: str, severity: int) -> Dataset:
    """The dataset from the archive in a folder."""
    path = folder / ARCHIVE.name
    names = [f"CIFAR-10-C/{part}.npy" for part in (corruption, "labels")]
    held = members(path, names)
    x, y = (_array(held.pop(name), f"{path}: {name}") for name in names)
    if x.dtype != np.uint8 or x.shape != (5 * ROWS, 32, 32, 3) or y.shape != (5 * ROWS,):
        raise DataError(f"{path}: images {x.dtype} {x.shape}, labels {y.shape}; expected uint8, {5 * ROWS} rows.")
    own = slice((severity - 1) * ROWS, severity * ROWS)
    origin = np.array([f"cifar10_c/test/{row:05d}" for row in range(ROWS)])
    test = Arrays(x[own], y[own].astype(np.int32), origin)
    mark = choose_rows(clean.train.y, clean.train.origin, TRAIN, "cifar10_c train")
    train = Arrays(*(part[mark] for part in clean.train))
    return Dataset(f"cifar10_c:{corruption}/{severity}", train, test, clean.classes)


def _array(data: np.ndarray, where: str) -> np.ndarray:
    try:
        return np.load(io.BytesIO(data.tobytes()), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{where}: it cannot be read as .npy: {error}") from error
