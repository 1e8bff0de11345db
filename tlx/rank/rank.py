"""`tlx rank`: backbones and source domains by how well they look like transferring to a target, before any training."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tlx.data.inputs import Image, Vector
from tlx.data.protocol import Protocol
from tlx.data.task import Arrays, Dataset
from tlx.data.task_names import parse
from tlx.errors import DataError, ResultError, SettingError, nearest
from tlx.plugins import Registry
from tlx.plugins.tasks import DEFAULT
from tlx.rank.network import Network
from tlx.runs.result import Result
from tlx.runs.store import load_all
from tlx.score import Pair, Transferability, weighted_kendall
from tlx.store.features import PREFIX, features_name, read_features, some_rows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A backbone, with a source domain or none. `scores` and `seconds` are by name; None where one needs a source.

    `rank` is 1 for the best by the mean of its ranks over the scores; `extraction` is the seconds that the features
    took, 0 where they were cached; `accuracy` is what results say it obtained.
    """

    backbone: str
    source: str | None
    scores: dict[str, float | None]
    seconds: dict[str, float]
    extraction: float
    rank: float = 0.0
    accuracy: float | None = None

    @property
    def label(self) -> str:
        """Backbone and source."""
        return self.backbone if self.source is None else f"{self.backbone}, {self.source}"


@dataclass(frozen=True)
class Ranking:
    """Choices, best first. `correlations` has each score's weighted Kendall with the accuracies, and `n` how many."""

    target: str
    protocol: str
    choices: list[Choice]
    correlations: dict[str, float | None] = field(default_factory=dict)
    n: int = 0

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return asdict(self)


def rank(
    registry: Registry,
    target: str,
    backbones: Sequence[str],
    sources: Sequence[str] = (),
    *,
    weights: Mapping[str, str] | None = None,
    scores: Sequence[str] | None = None,
    protocol: str = DEFAULT,
    rows: int = 2000,
    against: Sequence[str | Path] = (),
    strategy: str = "source_only",
    selection: str = "last",
) -> Ranking:
    """Every backbone with every source (or alone), by the transferability scores to the target's labelled train rows.

    A backbone may also be "features:EDITION", which stands for cached features (`tlx features`). `weights` are files by
    backbone; one without has random weights. `rows` is how many rows of a dataset are looked at. With `against`,
    folders of results, each choice has the accuracy that `strategy` obtained, and each score its correlation with it.

    Raises:
        UnknownName: a dataset, backbone, score or protocol that is not registered.
        SettingError: nothing to rank, weights for a backbone that is not among them.
        DataError: data that are absent or do not fit.
        ResultError: one of `against` is no folder of results, or none holds these choices.
    """
    names = list(dict.fromkeys(scores or [entry.name for entry in registry.entries("scores")]))
    measures: dict[str, Transferability] = {name: registry.get("scores", name) for name in names}
    shown: Protocol = registry.get("protocols", protocol)
    weights = dict(weights or {})
    _check(registry, target, backbones, sources, names, weights)
    choices = []
    for backbone in dict.fromkeys(backbones):
        extract = _Features(registry, backbone, weights.get(backbone), shown, rows)
        for source in dict.fromkeys(sources) or (None,):
            log.info("%s, %s", extract.label, source or "no source")
            choices.append(_choice(extract, target, source, measures))
    ranking = Ranking(target, protocol, _rank_choices(choices, names))
    if not against:
        return ranking
    results = [result for folder in against for result in load_all(folder)]
    return _correlate(ranking, names, results, strategy, selection, ", ".join(map(str, against)))


def _check(
    registry: Registry,
    target: str,
    backbones: Sequence[str],
    sources: Sequence[str],
    scores: Sequence[str],
    weights: Mapping[str, str],
) -> None:
    if not backbones or not scores:
        raise SettingError(f"rank got no {'scores' if backbones else 'backbones'}; expected one or more.")
    for name in (target, *sources):
        registry.entry("datasets", name)
    if target in sources:
        raise SettingError(f"rank: '{target}' is a source and the target; expected different datasets.")
    for name in backbones:
        if not name.startswith(PREFIX):
            registry.entry("backbones", name)
    for name in weights:
        if name not in backbones:
            guess = " or ".join(nearest(name, backbones)) or ", ".join(backbones)
            raise SettingError(f"rank: weights for '{name}', which is not among the backbones; nearest: {guess}.")


class _Features:
    """Features of datasets by one backbone, each computed once: (features, labels, seconds)."""

    def __init__(self, registry: Registry, backbone: str, weights: str | None, protocol: Protocol, rows: int):
        self.registry, self.rows, self.name = registry, rows, backbone
        self._kept: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._extract: Any = None
        self.edition = backbone.removeprefix(PREFIX) if backbone.startswith(PREFIX) else None
        self.label = backbone
        if self.edition is None:
            network = Network.of(registry, backbone, weights)
            self.label, self._extract = network.label, network.extractor(protocol)

    def __call__(self, dataset: str) -> tuple[np.ndarray, np.ndarray, float]:
        if dataset in self._kept:
            return (*self._kept[dataset], 0.0)
        if self.edition is not None:
            some = self._some(read_features(f"{self.edition}/{dataset}").train)
            x, seconds = some.x, 0.0
        else:
            loaded: Dataset = self.registry.get("datasets", dataset)
            if loaded.target_kind != "classes" or not isinstance(loaded.input, Image | Vector):
                got = f"{loaded.input.kind} input and {loaded.target_kind} targets"
                raise DataError(f"rank: dataset '{dataset}' has {got}; expected images or vectors, and classes.")
            some = self._some(loaded.train)
            begun = time.perf_counter()
            x = some.x if isinstance(loaded.input, Vector) else self._extract(some.x)
            seconds = time.perf_counter() - begun
        self._kept[dataset] = np.asarray(x, np.float32), np.asarray(some.y)
        return (*self._kept[dataset], seconds)

    def _some(self, arrays: Arrays) -> Arrays:
        return some_rows(arrays, self.rows)


def _choice(extract: _Features, target: str, source: str | None, scores: Mapping[str, Transferability]) -> Choice:
    x, y, extraction = extract(target)
    pair = Pair(x, y)
    if source is not None:
        source_x, source_y, seconds = extract(source)
        pair, extraction = Pair(x, y, source_x, source_y), extraction + seconds
    values: dict[str, float | None] = {}
    times: dict[str, float] = {}
    for name, score in scores.items():
        if source is None and "source" in score.needs:
            values[name] = None
            continue
        begun = time.perf_counter()
        values[name] = float(score.score(pair))
        times[name] = round(time.perf_counter() - begun, 3)
    return Choice(extract.name, source, values, times, round(extraction, 3))


def _rank_choices(choices: Sequence[Choice], names: Sequence[str]) -> list[Choice]:
    """Sorted by the mean rank over the scores; equal scores share their mean rank."""
    ranks: list[list[float]] = [[] for _ in choices]
    for name in names:
        values = [value for choice in choices if (value := choice.scores[name]) is not None]
        if len(values) < len(choices):
            continue
        for place, value in enumerate(values):
            above = sum(other > value for other in values)
            ranks[place].append(1 + above + (values.count(value) - 1) / 2)
    means = [round(float(np.mean(own)), 3) if own else 0.0 for own in ranks]
    placed = [replace(choice, rank=mean) for choice, mean in zip(choices, means, strict=True)]
    return sorted(placed, key=lambda choice: choice.rank)


def _correlate(
    ranking: Ranking, names: Sequence[str], results: Sequence[Result], strategy: str, selection: str, where: str
) -> Ranking:
    own = [result for result in results if result.finished and result.spec.strategy == strategy]
    choices = [
        replace(choice, accuracy=_mean_accuracy(choice, ranking.target, own, selection)) for choice in ranking.choices
    ]
    known = [choice for choice in choices if choice.accuracy is not None]
    if not known:
        raise ResultError(
            f"There is in {where} no result of '{strategy}' under '{selection}' to {ranking.target} by any of "
            f"these choices; it has {len(own)} of this strategy."
        )
    correlations = {}
    for name in names:
        values = [value for choice in known if (value := choice.scores[name]) is not None]
        obtained = [choice.accuracy for choice in known if choice.accuracy is not None]
        correlations[name] = weighted_kendall(values, obtained) if len(values) == len(obtained) else None
    return replace(ranking, choices=choices, correlations=correlations, n=len(known))


def _mean_accuracy(choice: Choice, target: str, results: Sequence[Result], selection: str) -> float | None:
    """The mean accuracy over the seeds of the results of a choice; without a source over all that have its target."""
    edition = choice.backbone.removeprefix(PREFIX) if choice.backbone.startswith(PREFIX) else None

    def task_domain(dataset: str) -> str:
        return dataset if edition is None else features_name(edition, dataset)

    values: list[float] = []
    for result in results:
        task = parse(result.spec.task)
        source = choice.source is None or task.sources == (task_domain(choice.source),)
        backbone = edition is not None or result.spec.backbone == choice.backbone
        if (
            task.targets == (task_domain(target),)
            and source
            and backbone
            and result.metric
            and selection in result.selections
        ):
            values += result.accuracy(selection)
    return round(float(np.mean(values)), 6) if values else None
