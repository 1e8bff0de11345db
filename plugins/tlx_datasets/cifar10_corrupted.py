"""CIFAR-10 under a corruption, made here: 32x32 RGB, 50,000 train and 10,000 test rows."""

import hashlib

import numpy as np

from tlx.data import Arrays, Dataset
from tlx.store import Prepared
from tlx_datasets.cifar10 import cifar10
from tlx_datasets.corruptions import corrupted
from tlx_datasets.severity import parse


def load(name: str) -> Prepared:
    """CIFAR-10 under a corruption made here: `cifar10_corrupted:gaussian_noise/5`, severity 1 to 5.

    With the constants of CIFAR-10-C, but not its images: noise is drawn anew, and blurs, JPEG and resizing come from
    other libraries. Scores compare with those on `cifar10_c:` only roughly. Train rows are CIFAR-10's train images
    under the corruption, test rows its test images; labels and origins stay.

    The noise of a split is that of NumPy's Generator(PCG64(seed)), the seed being the sha256 of "corruption/severity
    split".

    Raises:
        DataError: no such corruption, or a severity other than 1 to 5.
    """
    corruption, severity = parse("cifar10_corrupted", name)
    nothing = np.empty((0, 32, 32, 3), np.uint8)
    corrupted(nothing, corruption, severity, np.random.default_rng(0))  # a wrong name should fail before CIFAR-10 loads
    return Prepared(
        f"cifar10_corrupted:{name}",
        lambda clean, _: build(clean, corruption, severity),
        needs=(cifar10,),
        source="made here from CIFAR-10",
        licence=cifar10.licence,
    )


def build(clean: Dataset, corruption: str, severity: int) -> Dataset:
    """Both splits of a dataset under a corruption."""
    parts = []
    for split in ("train", "test"):
        rows: Arrays = getattr(clean, split)
        seed = int(hashlib.sha256(f"{corruption}/{severity} {split}".encode()).hexdigest(), 16)
        random = np.random.Generator(np.random.PCG64(seed))
        parts.append(Arrays(corrupted(rows.x, corruption, severity, random), rows.y, rows.origin))
    return Dataset(f"cifar10_corrupted:{corruption}/{severity}", parts[0], parts[1], clean.classes)
