"""`tlx rank` and `tlx features`: from names to features, scores, ranks and their correlation with results."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from flax import nnx

import tlx.data
import tlx.store
from tlx import Arrays, DataError, Dataset, ResultError, SettingError, Transferability, UnknownName
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.rank.features import features
from tlx.rank.rank import rank
from tlx.report.ranking import table
from tlx.runs.resolve import Lookup, resolve
from tlx.runs.result import Environment, Result, Score, Selection, Times
from tlx.runs.store import Store
from tlx.score import Selector


class Flat(nnx.Module):
    """The pixels."""

    def __init__(self, shape, rngs):
        self.width = shape[0] * shape[1] * shape[2]

    def __call__(self, x):
        return x.reshape(x.shape[0], -1)


class Near(Transferability):
    """Minus the distance of the means."""

    needs = "source, target"

    def score(self, pair):
        source, target = pair.domains
        return -float(np.abs(source.mean(0) - target.mean(0)).sum())


class Wide(Transferability):
    """The width."""

    def score(self, pair):
        return float(pair.target.shape[1])


def dataset(name: str, level: int) -> Any:
    def make() -> Dataset:
        def part(split: str) -> Arrays:
            x = np.full((8, 2, 2, 1), level, np.uint8) + np.arange(8, dtype=np.uint8)[:, None, None, None]
            return Arrays(x, np.arange(8, dtype=np.int32) % 2, np.array([f"{name}/{split}/{i}" for i in range(8)]))

        return Dataset(name, part("train"), part("test"), ("u", "v"))

    return make


class Plugin:
    @tlx.hookimpl
    def tlx_strategies(self, register):
        register("source_only", SourceOnly)

    @tlx.hookimpl
    def tlx_backbones(self, register):
        register("flat", Flat)
        register("features", Flat)

    @tlx.hookimpl
    def tlx_datasets(self, register):
        for name, level in (("a", 10), ("b", 40), ("c", 90), ("t", 100)):
            register(name, dataset(name, level))
        register("features:", tlx.store.read_features)

    @tlx.hookimpl
    def tlx_scores(self, register):
        register("near", Near)
        register("wide", Wide())

    @tlx.hookimpl
    def tlx_protocols(self, register):
        register("P-full-off", tlx.Protocol("P-full-off", "", None, None))

    @tlx.hookimpl
    def tlx_selectors(self, register):
        register("last", Selector)


@tlx.strategy
class SourceOnly(tlx.Strategy):
    """No adaptation."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry()
    made.add(Plugin(), "world")
    assert made.problems == []
    return made


def test_sources_by_every_score(registry):
    ranking = rank(registry, "t", ["flat"], ["a", "c", "b"])
    assert [choice.source for choice in ranking.choices] == ["c", "b", "a"]
    assert [choice.rank for choice in ranking.choices] == [1.5, 2.0, 2.5]  # all are equal in `wide`: 2 each
    near = [choice.scores["near"] for choice in ranking.choices]
    assert near == pytest.approx([-4 * distance * 2 / 255 for distance in (10, 60, 90)])  # x = (v / 255 - .5) / .5
    assert ranking.choices[0].seconds.keys() == {"near", "wide"}


def test_backbones_alone_have_no_scores_of_domains(registry):
    choice = rank(registry, "t", ["flat"]).choices[0]
    assert choice.scores == {"near": None, "wide": 4.0} and choice.source is None and choice.label == "flat"
    assert "| -" in table(rank(registry, "t", ["flat"])) or " - " in table(rank(registry, "t", ["flat"]))


def test_cached_features_stand_for_a_backbone(registry):
    made = features(registry, ["a", "t"], backbone="flat", name="cached")
    assert [item.name for item in made] == ["features:cached/a", "features:cached/t"]
    both = rank(registry, "t", ["flat", "features:cached"], ["a"], scores=["near"]).choices
    assert both[0].scores == pytest.approx(both[1].scores) and min(choice.extraction for choice in both) == 0
    with pytest.raises(DataError, match="holds features already"):
        features(registry, ["features:cached/a"], backbone="flat")


def test_rows_are_some_of_each_split(registry):
    assert len(features(registry, ["a"], backbone="flat", rows=3)[0].train.y) == 3


def result(registry: Registry, source: str, values: list[float]) -> Result:
    [job] = resolve(
        Lookup(registry), f"{source}->t", "source_only", backbone="flat", recipe=Recipe(), seeds=len(values)
    )
    scores = [Score(1, value, [value], value, [[1]], 0.1, False) for value in values]
    return Result(
        job.spec,
        "",
        "finished",
        Environment({}, None, None),
        Times("", 1.0),
        selections={"last": Selection(False, scores)},
    )


def test_ranks_are_correlated_with_results(registry, tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for source, values in {"a": [0.2, 0.4], "b": [0.5, 0.5], "c": [0.9, 0.7]}.items():
        store.write(result(registry, source, values))
    ranking = rank(registry, "t", ["flat"], ["a", "b", "c"], against=[store.folder])
    assert {choice.source: choice.accuracy for choice in ranking.choices} == {"a": 0.3, "b": 0.5, "c": 0.8}
    assert ranking.correlations == {"near": pytest.approx(1.0), "wide": None} and ranking.n == 3
    text = table(ranking)
    assert "weighted Kendall" in text and "1.00" in text and len({len(line) for line in text.splitlines()[:6]}) == 1
    assert json.loads(json.dumps(ranking.to_json()))["correlations"]["near"] == 1.0
    with pytest.raises(ResultError, match="no result of 'source_only' under 'oracle' to t"):
        rank(registry, "t", ["flat"], ["a"], against=[store.folder], selection="oracle")


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("t", ["flt"]), UnknownName, "backbone 'flt'. Did you mean flat"),
        (("u", ["flat"]), UnknownName, "dataset 'u'"),
        (("t", ["flat"], ["d"]), UnknownName, "dataset 'd'"),
        (("t", ["flat"], ["t"]), SettingError, "'t' is a source and the target"),
        (("t", []), SettingError, "no backbones"),
        (("t", ["features:none"]), DataError, "tlx features 't' --name none"),
    ],
)
def test_names_that_are_wrong(registry, arguments: Any, error, told):
    with pytest.raises(error, match=told):
        rank(registry, *arguments)


def test_a_session_ranks_and_makes_features(registry):
    lab = tlx.Lab(registry=registry)
    assert lab.rank("t", ["flat"], ["a"]).choices[0].scores == rank(registry, "t", ["flat"], ["a"]).choices[0].scores
    assert [item.name for item in lab.features(["a"], backbone="flat", name="mine")] == ["features:mine/a"]


def test_domains_that_have_no_images_or_classes_are_refused(registry):
    rows = np.zeros((4, 3), np.float32)
    train, test = (Arrays(rows, rows[:, :1], np.array([f"{split}/{row}" for row in range(4)])) for split in "ab")
    made = Dataset("reals", train, test, input=tlx.data.Vector(), target_kind="real")
    lab = tlx.Lab(datasets=[made], registry=registry)
    with pytest.raises(
        DataError, match="dataset 'reals' has vector input and real targets; expected images or vectors"
    ):
        lab.rank("reals", ["flat"])
    with pytest.raises(DataError, match="'reals' has vector input; expected images"):
        lab.features(["reals"], backbone="flat")


def test_settings_that_are_wrong(registry):
    with pytest.raises(SettingError, match="weights for 'flt'.*nearest: flat"):
        rank(registry, "t", ["flat"], weights={"flt": "x"})
    with pytest.raises(UnknownName, match="score 'nea'. Did you mean near"):
        rank(registry, "t", ["flat"], scores=["nea"])


def test_equal_choices_share_their_rank(registry):
    ranking = rank(registry, "t", ["flat", "features"], ["a"], scores=["near"])
    assert [choice.rank for choice in ranking.choices] == [1.5, 1.5]
    assert dataclasses.asdict(ranking)["n"] == 0
