"""Objects, CIFAR-10: 32x32 RGB, 50,000 train and 10,000 test rows, ten classes, balanced.

Reference: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from pathlib import Path

from tlx.data import Dataset
from tlx.store import File, Prepared
from tlx_datasets import tfds
from tlx_datasets.cifar import rows

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARCHIVE = "cifar-10-binary.tar.gz"
FILES = (
    File(
        ARCHIVE,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        170052171,
    ),
)
TRAIN = [f"cifar-10-batches-bin/data_batch_{part}.bin" for part in range(1, 6)]
TEST = ["cifar-10-batches-bin/test_batch.bin"]


def build(folder: Path) -> Dataset:
    """The dataset from the archive in `folder`. Raises DataError where it is damaged."""
    return Dataset("cifar10", *rows("cifar10", folder / ARCHIVE, TRAIN, TEST, labels=1), CLASSES)


cifar10 = Prepared(
    "cifar10",
    build,
    FILES,
    source="Krizhevsky: https://www.cs.toronto.edu/~kriz/cifar.html",
    licence="none stated; research use",
    ready=lambda: tfds.ready("cifar10", "cifar10"),
)
