"""Objects, STL-10: 96x96 RGB, 5,000 train and 8,000 test rows, ten classes, balanced; the unlabelled rows are left out.

Nine classes are CIFAR-10's, with "car" for its "automobile"; "monkey" stands for "frog".

Reference: Coates, Lee, Ng, "An analysis of single-layer networks in unsupervised feature learning", AISTATS 2011.
"""

from pathlib import Path

from tlx import DataError
from tlx.data import Dataset
from tlx.store import File, Prepared
from tlx_datasets import tfds
from tlx_datasets.archive import members, records
from tlx_datasets.rows import by_content

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
ARCHIVE = "stl10_binary.tar.gz"
FILES = (
    File(
        ARCHIVE,
        "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
        ("http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",),
        2640397119,
    ),
)


def build(folder: Path) -> Dataset:
    """The dataset from the archive in `folder`. Raises DataError where it is damaged."""
    archive = folder / ARCHIVE
    names = [f"stl10_binary/{split}_{part}.bin" for split in ("train", "test") for part in ("X", "y")]
    held = members(archive, names)
    parts = []
    for split in ("train", "test"):
        images, labels = f"stl10_binary/{split}_X.bin", f"stl10_binary/{split}_y.bin"
        x = records(held.pop(images), 3 * 96 * 96, f"{archive}: {images}").reshape(-1, 3, 96, 96)
        y = held.pop(labels)
        if len(y) != len(x) or y.min() < 1 or y.max() > 10:
            raise DataError(
                f"{archive}: {labels}: {len(y)} labels, {y.min()} to {y.max()}; expected {len(x)}, 1 to 10."
            )
        parts.append(by_content("stl10", split, x.transpose(0, 3, 2, 1), y - 1))  # stored column by column
    return Dataset("stl10", parts[0], parts[1], CLASSES)


stl10 = Prepared(
    "stl10",
    build,
    FILES,
    source="Coates, Lee, Ng: http://ai.stanford.edu/~acoates/stl10",
    licence="none stated; research use, images from ImageNet",
    ready=lambda: tfds.ready("stl10", "stl10"),
)
