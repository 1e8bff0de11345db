"""What is asked of a dataset. Types, shapes and label ranges are checked by `Dataset` itself."""

from typing import Any

import numpy as np

from tlx.data.task import Dataset


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
            assert np.array_equal(a, b), f"{split}.{name} differs between two loads: fix the seed and the order"


def splits_share_no_image(subject: Any) -> None:
    """No image is in train and in test, by its pixels."""
    dataset = _loaded(subject)
    train = {image.tobytes() for image in dataset.train.x}
    shared = sum(image.tobytes() in train for image in dataset.test.x)
    assert not shared, f"{shared} of {len(dataset.test.x)} test images are in train too, pixel for pixel"


def has_every_class(subject: Any) -> None:
    """Every class has rows in train and in test."""
    dataset = _loaded(subject)
    for split in ("train", "test"):
        there = set(np.unique(getattr(dataset, split).y))
        missing = [name for label, name in enumerate(dataset.classes) if label not in there]
        assert not missing, f"{split} has no row of class {', '.join(missing)}"


DATASET_CHECKS = (loads, loads_the_same_twice, splits_share_no_image, has_every_class)
