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
BLOCK = 512  # images resized at once
LUMA = np.array([299, 587, 114])  # ITU-R BT.601, in thousandths


def load_task(task: Task, dataset: Callable[[str], Dataset]) -> TaskData:
    """The arrays of a task, the same in every process; `dataset` gives a `Dataset` by its name.

    Source rows whose origin is in the target (either split) are dropped, and from `source_val`, the sources' test
    splits, those whose origin is in a source's train split as well. Under `shared_origins` no source train row has its
    origin in the target's test split, and nothing else is dropped for the target's sake. Labels follow the target's
    order of classes.

    Raises:
        DataError: classes that differ, a source without a row left, a class with fewer rows than `shots`.
    """
    sources, target = [dataset(name) for name in task.sources], dataset(task.target)
    for source in sources:
        _same_classes(task, source, target)
    channels = task.protocol.channels or max(domain.train.x.shape[3] for domain in (*sources, target))
    size = task.protocol.size

    shared = task.protocol.shared_origins
    seen = target.test.origin if shared else np.concatenate([target.train.origin, target.test.origin])
    unseen = [] if shared else [seen]
    trained = np.concatenate([*unseen, *(source.train.origin for source in sources)])
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
    """As Pillow resizes each image, which it does along the rows and then along the columns: many images at a time."""
    height, width = x.shape[1:3]
    out = np.empty((len(x), size, size, x.shape[3]), np.uint8)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        tall = _scaled(block.reshape(len(block) * height, width, -1), size, len(block) * height)
        wide = tall.reshape(len(block), height, size, -1).swapaxes(0, 1)
        wide = _scaled(wide.reshape(height, len(block) * size, -1), len(block) * size, size)
        out[start : start + BLOCK] = wide.reshape(size, len(block), size, -1).swapaxes(0, 1)
    return out


def _scaled(image: np.ndarray, width: int, height: int) -> np.ndarray:
    from PIL import Image

    flat = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return np.asarray(flat.resize((width, height), Image.Resampling.BILINEAR))


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
        _joined([fit(part.x, size, channels) for part in parts]),
        np.concatenate([label[part.y] for part, label in zip(parts, labels, strict=True)]),
        np.concatenate([np.full(len(part.y), number, np.int32) for number, part in enumerate(parts)]),
    )


def _joined(parts: Sequence[Images]) -> Images:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)  # one may be a memory map: no copy


def _hash(data: TaskData) -> str:
    protocol: Protocol = data.task.protocol
    facts = {**dataclasses.asdict(protocol), "name": data.task.name, "classes": data.classes}
    del facts["summary"], facts["shared_origins"]  # a better wording changes no number; the arrays say what is shared
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for array in (*data.source, *data.source_val, data.target_x, *data.labelled, data.test_x, data.test_y):
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
