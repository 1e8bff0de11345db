"""Small datasets, and the real raw files where they are on this machine."""

import os
from pathlib import Path

import numpy as np
import pytest

from tlx import Arrays, Dataset

DIGITS = tuple("0123456789")


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of real raw files; a test that takes it is marked `data`."""
    folder = os.environ.get("TLX_TEST_DATA")
    if not folder:
        pytest.skip("TLX_TEST_DATA names no folder of real data")
    return Path(folder, "raw")


def digits(name: str, train: int, test: int, size: int = 28, channels: int = 1, seed: int = 0) -> Dataset:
    """Random images with the labels 0 to 9 in turn."""
    random = np.random.default_rng(seed)
    parts = []
    for split, rows in (("train", train), ("test", test)):
        x = random.integers(0, 256, (rows, size, size, channels), np.uint8)
        y = np.arange(rows, dtype=np.int32) % 10
        parts.append(Arrays(x, y, np.array([f"{name}/{split}/{row:05d}" for row in range(rows)])))
    return Dataset(name, parts[0], parts[1], DIGITS)


@pytest.fixture
def mnist() -> Dataset:
    """A hundred and forty images in the shape of MNIST."""
    return digits("mnist", 120, 20)
