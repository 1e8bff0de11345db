"""Cached features: a backbone run once over a dataset, and its outputs kept as vectors in the place of its x."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from tlx.data.choose import keys
from tlx.data.inputs import Vector
from tlx.data.task import Arrays, Dataset
from tlx.data.tree import Inputs, leaves, take
from tlx.errors import DataAbsent, DataError
from tlx.store import cache

EDITION = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")
PREFIX = "features:"
Extract = Callable[[Inputs], Float32[np.ndarray, "rows width"]]


def features_name(edition: str, dataset: str) -> str:
    """The name of a dataset's cached features. Raises DataError where `edition` is no word."""
    if not EDITION.fullmatch(edition):
        raise DataError(f"The edition '{edition}' of features; expected letters, digits and _, with . or - inside.")
    return f"{PREFIX}{edition}/{dataset}"


def write_features(edition: str, dataset: Dataset, facts: Mapping[str, Any], extract: Extract) -> Dataset:
    """The features of a dataset's rows, from the cache or by `extract`, and from then on "features:EDITION/DATASET".

    `facts` are all that decides them besides the rows: backbone, weights, protocol. They and the content of the
    dataset make the key: other features under the same name are replaced.

    Raises:
        DataError: features that are not finite, a name that is none, or a folder that cannot be written.
    """
    name = features_name(edition, dataset.name)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    arrays = [leaf for split in (dataset.train, dataset.test) for part in split for leaf in leaves(part)]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    key = digest.hexdigest()

    def build() -> Dataset:
        parts = [split._replace(x=np.asarray(extract(split.x), np.float32)) for split in (dataset.train, dataset.test)]
        return Dataset(name, parts[0], parts[1], dataset.classes, Vector(standardise=False), dataset.target_kind)

    found = cache.load_or_build(name, key, build)
    for folder in set(_folders(name)) - {cache.place(name, key)}:
        cache.remove(folder)
    return found


def read_features(rest: str) -> Dataset:
    """The dataset "features:EDITION/DATASET" by what follows the prefix; its arrays are memory-mapped.

    Raises:
        DataError: not of this form, or a damaged file.
        DataAbsent: nothing has written it on this machine; the message has the command.
    """
    edition, slash, dataset = rest.partition("/")
    if not slash or not dataset:
        raise DataError(
            f"The dataset name '{PREFIX}{rest}'; expected '{PREFIX}EDITION/DATASET', as 'features:a/mnist'."
        )
    name = features_name(edition, dataset)
    folders = _folders(name)
    if not folders:
        command = f"tlx features '{dataset}' --name {edition} --backbone BACKBONE --weights FILE"
        raise DataAbsent(f"The features '{name}' are not in {cache.home()}. To make them: {command}")
    return cache.read(name, folders[0])


def some_rows(arrays: Arrays, rows: int | None) -> Arrays:
    """At most `rows` rows, those with the smallest hash of their origin, in their order."""
    if rows is None or rows >= len(arrays.y):
        return arrays
    kept = np.sort(np.argsort(keys(arrays.origin, "features"), kind="stable")[:rows])
    return Arrays(*(take(part, kept) for part in arrays))


def _folders(name: str) -> list[Path]:
    stem = cache.place(name, "").name
    found = (cache.home() / "cache").glob(f"{stem}*")
    whole = [path for path in found if re.fullmatch("[0-9a-f]{16}", path.name.removeprefix(stem))]
    return sorted(path for path in whole if (path / "meta.json").exists())
