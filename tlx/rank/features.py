"""`tlx features`: a backbone run once over datasets, and its features kept as datasets."""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from tlx.data.inputs import Image
from tlx.data.protocol import Protocol
from tlx.data.task import Dataset
from tlx.errors import DataError
from tlx.plugins import Registry
from tlx.plugins.tasks import DEFAULT
from tlx.rank.network import Network
from tlx.store.features import PREFIX, some_rows, write_features

log = logging.getLogger(__name__)


def features(
    registry: Registry,
    datasets: Sequence[str],
    *,
    backbone: str,
    weights: str | None = None,
    protocol: str = DEFAULT,
    name: str | None = None,
    rows: int | None = None,
) -> list[Dataset]:
    """The features of datasets by a backbone, from then on there as "features:NAME/DATASET", for any strategy.

    `protocol` says at which size and normalisation images are shown; `name` is by default the backbone's; `rows` takes
    that many of each split at most, by the hash of their origin. What is in the cache already is not computed again.
    Without `weights` the backbone is as its initialiser leaves it, which is said in the log.

    Raises:
        TlxError: an unknown name, data that are absent, weights that do not fit.
    """
    shown: Protocol = registry.get("protocols", protocol)
    for dataset in datasets:
        registry.entry("datasets", dataset)  # all names are checked before the first is computed
    network = Network.of(registry, backbone, weights)
    facts, extract = network.facts(shown), network.extractor(shown)

    def made(dataset: Dataset) -> Dataset:
        taken = _some(dataset, rows)
        return write_features(name or backbone, taken, facts, _log_time(extract, f"{dataset.name}, {network.label}"))

    return [made(registry.get("datasets", dataset)) for dataset in datasets]


def _some(dataset: Dataset, rows: int | None) -> Dataset:
    if dataset.name.startswith(PREFIX):
        raise DataError(f"The dataset '{dataset.name}' holds features already; expected one of images.")
    if not isinstance(dataset.input, Image):
        raise DataError(f"The dataset '{dataset.name}' has {dataset.input.kind} input; expected images.")
    return dataclasses.replace(dataset, train=some_rows(dataset.train, rows), test=some_rows(dataset.test, rows))


def _log_time(extract: Callable[[np.ndarray], np.ndarray], where: str) -> Callable[[np.ndarray], np.ndarray]:
    def call(x: np.ndarray) -> np.ndarray:
        begun = time.perf_counter()
        out = extract(x)
        log.info("%s: features of %d images in %.1f s", where, len(x), time.perf_counter() - begun)
        return out

    return call
