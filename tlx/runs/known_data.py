"""The hashes of tasks' data that were loaded before, by marks of what the data are made from.

So a suite of which all is there compares data by the sizes and times of their files, and decodes none of them.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from tlx.data import Task
from tlx.plugins import Registry
from tlx.runs.fingerprint import fingerprint_of_rooms
from tlx.store import Prepared
from tlx.store.cache import home
from tlx.store.file import write_whole
from tlx.store.inventory import state

HASH = re.compile(r"[0-9a-f]{64}")


def mark_of(registry: Registry, task: Task) -> str | None:
    """The sha256 of what decides a task's data: names, protocol, and for each dataset the key of its files' state.

    None where a dataset is made of no files that tlx knows: it has to be loaded.

    Raises:
        UnknownName: a dataset is not registered.
        DataAbsent: its folder is not on this machine.
        DataError: its files are not what they should be.
    """
    facts = [fingerprint_of_rooms("data"), repr(task.protocol), task.name]
    for dataset in _datasets(registry, task):
        if not isinstance(dataset, Prepared):
            return None
        facts.append(dataset.key)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def are_absent(registry: Registry, task: Task) -> bool:
    """Whether a task's data would have to be downloaded. Raises as `mark_of`."""
    prepared = [dataset for dataset in _datasets(registry, task) if isinstance(dataset, Prepared)]
    return any(state(dataset).kind == "absent" for dataset in prepared)


def known_hash(mark: str) -> str | None:
    """The hash of the data of a mark, if they were loaded before."""
    try:
        text = _path(mark).read_text()
    except (OSError, ValueError):
        return None
    return text if HASH.fullmatch(text) else None


def keep_hash(mark: str, data_hash: str) -> None:
    """Keeps the hash of the data of a mark, where the folder of data can be written."""
    path = _path(mark)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data_hash.encode())
    except OSError:  # it is computed again next time
        pass


def _path(mark: str) -> Path:
    return home() / "hashes" / mark


def _datasets(registry: Registry, task: Task) -> list[Any]:
    names = dict.fromkeys(map(task.protocol.edition, (*task.sources, *task.targets)))
    return [registry.entry("datasets", name).source() for name in names]
