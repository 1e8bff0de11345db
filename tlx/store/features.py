"""Cached features: a backbone run once over a dataset, and its outputs kept in the place of the images."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from tlx.data.choose import keys
from tlx.data.task import Arrays, Dataset, Images
from tlx.errors import DataAbsent, DataError
from tlx.store import cache

EDITION = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")
PREFIX = "features:"
Extract = Callable[[Images], Float32[np.ndarray, "rows width"]]


def features_name(edition: str, dataset: str) -> str:
    """The name of a dataset's cached features. Raises DataError where `edition` is no word."""
    if not EDITION.fullmatch(edition):
        raise DataError(f"The edition '{edition}' of features; expected letters, digits and _, with . or - inside.")
    return f"{PREFIX}{edition}/{dataset}"


def write_features(edition: str, dataset: Dataset, facts: Mapping[str, Any], extract: Extract) -> Dataset:
    """The features of a dataset's images, from the cache or by `extract`, and from then on "features:EDITION/DATASET".

    `facts` are all that decides them besides the images: backbone, weights, protocol. They and the content of the
    dataset make the key: other features under the same name are replaced.

    Raises:
        DataError: features that are not finite, a name that is none, or a folder that cannot be written.
    """
    name = features_name(edition, dataset.name)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for array in (part for split in (dataset.train, dataset.test) for part in split):
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    key = digest.hexdigest()

    def build() -> Dataset:
        parts = [split._replace(x=_rows(extract(split.x))) for split in (dataset.train, dataset.test)]
        return Dataset(name, parts[0], parts[1], dataset.classes)

    found = cache.cached(name, key, build)
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
    return Arrays(*(part[kept] for part in arrays))


def _rows(features: np.ndarray) -> np.ndarray:
    return np.asarray(features, np.float32)[:, None, None, :]


def _folders(name: str) -> list[Path]:
    stem = cache.place(name, "").name
    found = (cache.home() / "cache").glob(f"{stem}*")
    whole = [path for path in found if re.fullmatch("[0-9a-f]{16}", path.name.removeprefix(stem))]
    return sorted(path for path in whole if (path / "meta.json").exists())
