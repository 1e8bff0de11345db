"""What is asked of a dataset. Types, shapes and label ranges are checked by `Dataset` itself."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tlx.data.inputs import Image
from tlx.data.task import Dataset
from tlx.data.tree import Inputs, leaves, paths


def _loaded(subject: Any) -> Dataset:
    loaded = subject if isinstance(subject, Dataset) else subject()
    assert isinstance(loaded, Dataset), f"it gives {type(loaded).__name__}; expected a tlx.Dataset"
    return loaded


def loads(subject: Any) -> None:
    """It gives a `Dataset`, which checks its own arrays."""
    _loaded(subject)


def loads_the_same_twice(subject: Any) -> None:
    """A second load gives the same arrays: seeds are fixed, and order is too."""
    first, again = _loaded(subject), _loaded(subject)
    for split in ("train", "test"):
        for name, a, b in zip(("x", "y", "origin"), getattr(first, split), getattr(again, split), strict=True):
            alike = [path for path, _ in paths(a)] == [path for path, _ in paths(b)]
            same = alike and all(map(np.array_equal, leaves(a), leaves(b)))
            assert same, f"{split}.{name} differs between two loads: fix the seed and the order"


def splits_share_no_image(subject: Any) -> None:
    """No image is in train and in test, by its pixels; nor any other row, by its numbers."""
    dataset = _loaded(subject)
    train = set(_contents(dataset.train.x))
    shared = sum(content in train for content in _contents(dataset.test.x))
    images, pixel = ("images", "pixel") if isinstance(dataset.input, Image) else ("rows", "number")
    assert not shared, f"{shared} of {len(dataset.test.y)} test {images} are in train too, {pixel} for {pixel}"


def _contents(x: Inputs) -> Iterator[bytes]:
    """The bytes of each row."""
    for row in zip(*leaves(x), strict=True):
        yield b"".join(leaf.tobytes() for leaf in row)


def has_every_class(subject: Any) -> None:
    """Every class has rows in train and in test; real targets have no classes."""
    dataset = _loaded(subject)
    for split in ("train", "test"):
        there = set(np.unique(getattr(dataset, split).y))
        missing = [name for label, name in enumerate(dataset.classes) if label not in there]
        assert not missing, f"{split} has no row of class {', '.join(missing)}"


DATASET_CHECKS = (loads, loads_the_same_twice, splits_share_no_image, has_every_class)
