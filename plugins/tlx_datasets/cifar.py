"""The binary version of CIFAR-10 and CIFAR-100: a record is one or two labels and 32x32 pixels, a channel at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tlx.data import Arrays
from tlx_datasets.archive import members, records
from tlx_datasets.rows import by_content

PIXELS = 3 * 32 * 32


def rows(name: str, archive: Path, train: Sequence[str], test: Sequence[str], labels: int) -> tuple[Arrays, Arrays]:
    """Both splits; of several labels of a record the last counts (CIFAR-100's fine one)."""
    held = members(archive, [*train, *test])
    parts = []
    for split, files in (("train", train), ("test", test)):
        data = np.concatenate([records(held.pop(file), labels + PIXELS, f"{archive}: {file}") for file in files])
        x = np.moveaxis(data[:, labels:].reshape(-1, 3, 32, 32), 1, 3)
        parts.append(by_content(name, split, x, data[:, labels - 1]))
    return parts[0], parts[1]
