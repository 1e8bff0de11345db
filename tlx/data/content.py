"""The hash of a task's data: equal hashes mean equal arrays under equal rules."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tlx.data.choose import Mark
from tlx.data.resize import CHUNK
from tlx.data.task import TaskData
from tlx.data.tree import leaves, paths

BLOCK = 16 * CHUNK  # rows that one thread hashes


def hash_of(data: TaskData, labelled: Mark, priors: Mapping[str, tuple[float, ...]]) -> str:
    """The sha256 of all arrays, and of the facts that decide what they mean.

    `labelled` marks the labelled rows among the target's; `priors` are the class shares of the domains that a prior
    drew.
    """
    protocol = data.task.protocol
    facts = {key: getattr(protocol, key) for key in ("id", "stream")}
    facts |= {"name": data.task.name, "sources": data.task.sources, "targets": data.task.targets, "priors": priors}
    facts |= {"known": data.space.known, "target_classes": data.space.target, "unknown": data.space.unknown}
    if data.space.novel:
        facts["novel"] = True
    facts |= {"input": repr(data.input), "target_kind": data.target_kind}
    if protocol.concentration is not None:
        facts["concentration"] = protocol.concentration
    facts["x"] = [path for path, _ in paths(data.target.x)]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    arrays = [array for rows in (data.source, data.source_val, data.target, data.test) for array in _columns(rows)]
    arrays += [labelled, data.labelled.y, data.order]
    for array in (*arrays, *leaves(data.mean), *leaves(data.std)):
        digest.update(f"{array.dtype.name}{array.shape}".encode())
    blocks = [array[start : start + BLOCK] for array in arrays for start in range(0, len(array), BLOCK)]
    blocks += [np.atleast_1d(leaf) for leaf in (*leaves(data.mean), *leaves(data.std))]
    with ThreadPoolExecutor() as pool:
        for part in pool.map(_hash_block, blocks):
            digest.update(part)
    return digest.hexdigest()


def _columns(rows: tuple) -> list[np.ndarray]:
    return [leaf for column in rows for leaf in leaves(column)]


def _hash_block(array: np.ndarray) -> bytes:
    digest = hashlib.sha256()
    if array.strides[-1] == 0:  # a grey image repeated: once is enough
        array = array[..., :1]
    for start in range(0, len(array), CHUNK):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK], array.dtype.newbyteorder("<")).data)
    return digest.digest()
