"""From a task to its arrays: one size, no shared image, labels of the target only where they are shown."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from tlx.data.split import chosen
from tlx.data.task import Arrays, Dataset, Images, Protocol, Rows, Task, TaskData
from tlx.errors import DataError

Fitted = UInt8[np.ndarray, "rows {size} {size} {channels}"]
LUMA = np.array([299, 587, 114])  # ITU-R BT.601, in thousandths


def load_task(task: Task, dataset: Callable[[str], Dataset]) -> TaskData:
    """The arrays of a task, the same in every process; `dataset` gives a `Dataset` by its name.

    Source rows whose origin is in the target (either split) are dropped, and from `source_val`, the sources' test
    splits, those whose origin is in a source's train split as well. Labels follow the target's order of classes.

    Raises:
        DataError: classes that differ, a source without a row left, a class with fewer rows than `shots`.
    """
    sources, target = [dataset(name) for name in task.sources], dataset(task.target)
    for source in sources:
        _same_classes(task, source, target)
    channels = task.protocol.channels or max(domain.train.x.shape[3] for domain in (*sources, target))
    size = task.protocol.size

    seen = np.concatenate([target.train.origin, target.test.origin])
    trained = np.concatenate([seen, *(source.train.origin for source in sources)])
    train = [_without(seen, source.train, f"Task '{task.name}', source '{source.name}', train") for source in sources]
    val = [_without(trained, source.test, f"Task '{task.name}', source '{source.name}', test") for source in sources]

    target_x = fit(target.train.x, size, channels)
    shown = _shown(task, target)
    labelled = Rows(target_x[shown], target.train.y[shown], np.full(shown.sum(), len(sources), np.int32))
    data = TaskData(
        source=_rows(train, sources, target, size, channels),
        source_val=_rows(val, sources, target, size, channels),
        target_x=target_x,
        labelled=labelled,
        test_x=fit(target.test.x, size, channels),
        test_y=target.test.y,
        classes=target.classes,
        task=task,
        hash="",
    )
    return data._replace(hash=_hash(data))


def fit(x: Images, size: int, channels: int) -> Fitted:
    """Images at size x size (bilinear, aspect not kept) and 1 or 3 channels (RGB to luma, grey repeated)."""
    if x.shape[3] > channels:
        x = ((x @ LUMA + 500) // 1000).astype(np.uint8)[..., None]
    if x.shape[1:3] != (size, size):
        x = _resize(x, size)
    return np.repeat(x, channels, axis=3) if x.shape[3] < channels else x


def _resize(x: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    images = x[..., 0] if x.shape[3] == 1 else x
    resized = [Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in images]
    return np.stack([np.asarray(image) for image in resized]).reshape(len(x), size, size, x.shape[3])


def _same_classes(task: Task, source: Dataset, target: Dataset) -> None:
    if set(source.classes) != set(target.classes):
        raise DataError(
            f"Task '{task.name}': source '{source.name}' has the classes {', '.join(source.classes)}; "
            f"target '{target.name}' has {', '.join(target.classes)}; expected the same."
        )


def _without(origins: np.ndarray, arrays: Arrays, where: str) -> Arrays:
    kept = ~np.isin(arrays.origin, origins)
    if not kept.any():
        raise DataError(
            f"{where}: none of {len(kept)} rows is left; all have their origin in the target or in a train split."
        )
    return arrays if kept.all() else Arrays(*(array[kept] for array in arrays))


def _shown(task: Task, target: Dataset) -> np.ndarray:
    if task.protocol.shots is None:
        return np.ones(len(target.train.y), bool)
    counts = np.bincount(target.train.y, minlength=len(target.classes))
    if counts.min() < task.protocol.shots:
        few = f"class '{target.classes[counts.argmin()]}' of '{target.name}' has {counts.min()} train rows"
        raise DataError(f"Task '{task.name}': {few}; expected {task.protocol.shots} or more (shots).")
    return chosen(target.train.y, target.train.origin, task.protocol.shots, "shots")


def _rows(parts: Sequence[Arrays], sources: Sequence[Dataset], target: Dataset, size: int, channels: int) -> Rows:
    labels = [np.array([target.classes.index(name) for name in source.classes], np.int32) for source in sources]
    return Rows(
        np.concatenate([fit(part.x, size, channels) for part in parts]),
        np.concatenate([label[part.y] for part, label in zip(parts, labels, strict=True)]),
        np.concatenate([np.full(len(part.y), number, np.int32) for number, part in enumerate(parts)]),
    )


def _hash(data: TaskData) -> str:
    protocol: Protocol = data.task.protocol
    facts = {**dataclasses.asdict(protocol), "name": data.task.name, "classes": data.classes}
    del facts["summary"]  # a better wording changes no number
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for array in (*data.source, *data.source_val, data.target_x, *data.labelled, data.test_x, data.test_y):
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
