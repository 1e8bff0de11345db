"""Objects, CIFAR-100 by its fine labels: 32x32 RGB, 50,000 train and 10,000 test rows, a hundred classes, balanced.

Reference: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from pathlib import Path

from tlx.data import Dataset
from tlx.store import File, Prepared
from tlx_datasets import tfds
from tlx_datasets.archive import members
from tlx_datasets.cifar import rows

ARCHIVE = "cifar-100-binary.tar.gz"
FILES = (
    File(
        ARCHIVE,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
        168513733,
    ),
)
NAMES, TRAIN, TEST = (f"cifar-100-binary/{name}" for name in ("fine_label_names.txt", "train.bin", "test.bin"))


def build(folder: Path) -> Dataset:
    """The dataset from the archive in `folder`. Raises DataError where it is damaged."""
    classes = members(folder / ARCHIVE, [NAMES])[NAMES].tobytes().decode("ascii").split()
    return Dataset("cifar100", *rows("cifar100", folder / ARCHIVE, [TRAIN], [TEST], labels=2), tuple(classes))


cifar100 = Prepared(
    "cifar100",
    build,
    FILES,
    source="Krizhevsky: https://www.cs.toronto.edu/~kriz/cifar.html",
    licence="none stated; research use",
    ready=lambda: tfds.ready("cifar100", "cifar100"),
)
