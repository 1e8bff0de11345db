"""From a task to its arrays: one size, no shared image, labels of the target only where they are shown."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tlx.data.choose import Mark, chosen, share
from tlx.data.domain import Domain, make_domain
from tlx.data.resize import CHUNK
from tlx.data.selection import Part, images, joined
from tlx.data.task import Dataset, Rows, Task, TaskData
from tlx.errors import DataError

BLOCK = 16 * CHUNK  # rows that one thread hashes


def load_task(task: Task, dataset: Callable[[str], Dataset]) -> TaskData:
    """The arrays of a task, the same in every process; `dataset` gives a `Dataset` by its name.

    Source rows whose origin is in the target (either split) are dropped, and from `source_val` those whose origin is
    among the sources' train rows as well. Under `shared_origins` no source train row has its origin in the rows that
    are scored, and nothing else is dropped for the target's sake. Labels follow the target's order of classes. Arrays
    of a dataset that fit as they are, memory-mapped ones too, are not copied: write to none of them.

    Raises:
        DataAbsent: a dataset is not on this machine.
        DataError: classes that differ, a source without a row left, a class with fewer rows than `shots`.
    """
    protocol = task.protocol
    *sources, target = (make_domain(name, protocol, dataset) for name in (*task.sources, task.target))
    for source in sources:
        _same_classes(task, source, target)
    size, channels = _shape(task, [*sources, target])
    train, val = _split(task, sources, target)

    target_x = images(target.train, size, channels)
    shown = _shown(task, target)
    every = bool(shown.all())
    labelled = Rows(
        target_x if every else target_x[shown], target.train.y[shown], np.full(shown.sum(), len(sources), np.int32)
    )
    scored = _scored(task, target)
    data = TaskData(
        source=_rows(train, sources, target, size, channels),
        source_val=_rows(val, sources, target, size, channels),
        target_x=target_x,
        labelled=labelled,
        test_x=target_x if scored is target.train else images(scored, size, channels),
        test_y=scored.y,
        classes=target.classes,
        task=task,
        hash="",
    )
    return data._replace(hash=_hash(data, shown))


def _shape(task: Task, domains: Sequence[Domain]) -> tuple[int, int]:
    """The size and the channels of the task's images; cached features keep theirs, 1 and their width."""
    protocol = task.protocol
    arrays = [x for domain in domains for x in (*domain.train.images, *domain.test.images)]
    shapes = [x.shape[1:] for x in arrays]
    if any(x.dtype == np.float32 for x in arrays):
        if len({(x.dtype, x.shape[1:]) for x in arrays}) > 1:
            told = ", ".join(sorted({f"{x.dtype} {x.shape[1:]}" for x in arrays}))
            raise DataError(f"Task '{task.name}': its domains are {told}; expected features of one backbone in all.")
        return 1, shapes[0][2]
    size = protocol.size or max(max(height, width) for height, width, _ in shapes)
    return size, protocol.channels or max(channels for _, _, channels in shapes)


def _same_classes(task: Task, source: Domain, target: Domain) -> None:
    if set(source.classes) == set(target.classes):
        return
    only = [
        f"only '{one.name}' has {', '.join(names)}"
        for one, other in ((source, target), (target, source))
        if (names := [name for name in one.classes if name not in other.classes])
    ]
    raise DataError(
        f"Task '{task.name}': source '{source.name}' has the classes {', '.join(source.classes)}; "
        f"target '{target.name}' has {', '.join(target.classes)}; expected the same: {'; '.join(only)}. "
        f"A protocol may rename classes and leave some out (`renames`, `classes`)."
    )


def _split(task: Task, sources: Sequence[Domain], target: Domain) -> tuple[list[Part], list[Part]]:
    """Of each source the rows to train on and those to select by, without an image of the target."""
    protocol, where = task.protocol, f"Task '{task.name}', source"
    train, val = [source.train for source in sources], [source.test for source in sources]
    if protocol.validation is not None:
        held = [share(rows.origin, protocol.validation, f"validation {protocol.seed}") for rows in train]
        val = [rows.where(mark) for rows, mark in zip(train, held, strict=True)]
        train = [rows.where(~mark) for rows, mark in zip(train, held, strict=True)]
    seen = _origins(_scored(task, target)) if protocol.shared_origins else _origins(target.train, target.test)
    unseen = set() if protocol.shared_origins else seen
    names = [source.name for source in sources]
    train = [_without(seen, rows, f"{where} '{name}', train") for rows, name in zip(train, names, strict=True)]
    trained = unseen | _origins(*train)
    return train, [
        _without(trained, rows, f"{where} '{name}', validation") for rows, name in zip(val, names, strict=True)
    ]


def _scored(task: Task, target: Domain) -> Part:
    return target.test if task.protocol.scored == "test" else target.train


def _origins(*parts: Part) -> set[str]:
    return {name for part in parts for name in part.origin.tolist()}


def _without(origins: set[str], rows: Part, where: str) -> Part:
    names = rows.origin.tolist()
    kept = np.fromiter((name not in origins for name in names), bool, len(names))
    if not kept.any():
        raise DataError(
            f"{where}: none of {len(kept)} rows is left; all have their origin in the target or in a train split."
        )
    return rows.where(kept)


def _shown(task: Task, target: Domain) -> Mark:
    shots, y = task.protocol.shots, target.train.y
    if shots is None:
        return np.ones(len(y), bool)
    counts = np.bincount(y, minlength=len(target.classes))
    if counts.min() < shots:
        few = f"class '{target.classes[counts.argmin()]}' of '{target.name}' has {counts.min()} train rows"
        raise DataError(f"Task '{task.name}': {few}; expected {shots} or more (shots).")
    return chosen(y, target.train.origin, shots, "shots")


def _rows(parts: Sequence[Part], sources: Sequence[Domain], target: Domain, size: int, channels: int) -> Rows:
    if not parts:
        none = np.zeros(0, np.int32)
        return Rows(np.zeros((0, size, size, channels), np.uint8), none, none)
    labels = [np.array([target.classes.index(name) for name in source.classes], np.int32) for source in sources]
    return Rows(
        images(joined(parts), size, channels),
        np.concatenate([label[part.y] for part, label in zip(parts, labels, strict=True)]),
        np.concatenate([np.full(len(part.y), number, np.int32) for number, part in enumerate(parts)]),
    )


def _hash(data: TaskData, shown: Mark) -> str:
    """The sha256 of all arrays (labelled images as a choice among the target's) and of what they do not tell."""
    protocol = data.task.protocol
    facts = {key: getattr(protocol, key) for key in ("id", "mean", "std")}
    facts |= {"name": data.task.name, "classes": data.classes}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    arrays = (*data.source, *data.source_val, data.target_x, shown, data.labelled.y, data.test_x, data.test_y)
    for array in arrays:
        digest.update(f"{array.dtype.name}{array.shape}".encode())
    blocks = [array[start : start + BLOCK] for array in arrays for start in range(0, len(array), BLOCK)]
    with ThreadPoolExecutor() as pool:
        for part in pool.map(_hash_block, blocks):
            digest.update(part)
    return digest.hexdigest()


def _hash_block(array: np.ndarray) -> bytes:
    digest = hashlib.sha256()
    if array.strides[-1] == 0:  # a grey image repeated: once is enough
        array = array[..., :1]
    for start in range(0, len(array), CHUNK):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK], array.dtype.newbyteorder("<")).data)
    return digest.digest()
