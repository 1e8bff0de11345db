"""A published table of two tasks and four methods, the suites that run it, and a `train` that makes up logits."""

from types import SimpleNamespace

import numpy as np
import pytest

import tlx
from tlx import Dataset, PaperTable, Protocol, Suite, Task
from tlx.data import Arrays
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.reproduce.figures import plan_runs
from tlx.score import Selector, accuracy

YAML = """
paper: Doe et al. 2020
table: Table 1
source: the paper
defaults: {protocol: P-8, selection: oracle, network: net, provenance: P, n: 1}
external:
  methods: {magic: a method that tlx does not have}
rows:
  - {task: a->b, method: source_only, value: 40}
  - {task: a->b, method: shift, label: Shift!, value: 50.5, spread: 1.5}
  - {task: a->b, method: magic, value: 99}
  - {task: a->c, method: shift, value: 60, network: wide}
"""
PROTOCOL = Protocol("P-8", "tiny images", size=8, channels=1)
RECIPE = Recipe(name="long", steps=6, rounds=3)
SUITE = Suite("paper", ("a->b", "a->c"), ("source_only", "shift"), backbone="net", recipe="long", seeds=3)


@tlx.strategy
class SourceOnly(tlx.Strategy):
    """No adaptation."""


@tlx.strategy
class Shift(tlx.Strategy):
    """Shifts."""

    weight: float = 1.0


class Last(Selector):
    def score(self, evidence):
        return evidence.step


class Oracle(Selector):
    uses_target_labels = True

    def score(self, evidence):
        assert evidence.target_y is not None
        return accuracy(evidence.target_logits, evidence.target_y)


def dataset(name):
    def make():
        def split(part, rows):
            x, y = np.zeros((rows, 8, 8, 1), np.uint8), np.arange(rows, dtype=np.int32) % 2
            return Arrays(x, y, np.array([f"{name}/{part}/{row}" for row in range(rows)]))

        return Dataset(name, split("train", 8), split("test", 20), ("x", "y"))

    return make


class Plugin:
    @tlx.hookimpl
    def tlx_strategies(self, register):
        register("source_only", SourceOnly)
        register("shift", Shift)

    @tlx.hookimpl
    def tlx_backbones(self, register):
        for name in ("net", "wide"):
            register(name, lambda in_shape, rngs: None)

    @tlx.hookimpl
    def tlx_datasets(self, register):
        for name in "abc":
            register(name, dataset(name))

    @tlx.hookimpl
    def tlx_protocols(self, register):
        register("P-8", PROTOCOL)
        register("P-other", Protocol("P-other", "other images", size=8, channels=1))

    @tlx.hookimpl
    def tlx_tasks(self, register):
        for target in "bc":
            register(f"a->{target}", Task(("a",), (target,), PROTOCOL))

    @tlx.hookimpl
    def tlx_selectors(self, register):
        register("last", Last)
        register("oracle", Oracle)

    @tlx.hookimpl
    def tlx_recipes(self, register):
        register("long", RECIPE)

    @tlx.hookimpl
    def tlx_suites(self, register):
        register("paper", SUITE)
        register("paper-short", Suite(**{**vars(SUITE), "name": "paper-short", "recipe": RECIPE.replace(steps=3)}))


@pytest.fixture
def registry():
    registry = Registry()
    registry.add(Plugin(), "paper")
    assert not registry.problems
    return registry


@pytest.fixture
def table(tmp_path):
    (tmp_path / "doe.yaml").write_text(YAML)
    suites = {"full": ("paper",), "short": ("paper-short",)}
    return PaperTable("doe-1", tmp_path / "doe.yaml", selection="oracle", tolerance=2.0, suites=suites)


@pytest.fixture
def plan(registry, table):
    """The plan of the whole table."""
    from tlx.reproduce import read

    return plan_runs(registry, table, read(table.literature))


@pytest.fixture
def world(fake_engine):
    """Stands in for the engine: `world.right` is how many of 20 test rows each evaluation gets right."""
    world = SimpleNamespace(calls=[], right=(8, 10, 9))

    def train_grid(points, backbone, data, seeds, options):
        return [train(strategy, data, recipe, seeds) for strategy, recipe in points]

    def train(strategy, data, recipe, seeds):
        world.calls.append(f"{data.task.name} {type(strategy).__name__}")
        evaluations = []
        for round_, right in enumerate(world.right, 1):
            given = np.where(np.arange(20) < right, data.test.y, 1 - data.test.y)
            logits = np.stack([np.eye(2, dtype=np.float32)[given]] * len(seeds))
            step = recipe.steps * round_ // len(world.right)
            evaluations.append(SimpleNamespace(
                phase="train", step=step, source_logits=logits, target_logits=logits,
                metrics={"loss": np.ones(len(seeds))}, observed={}
            ))  # fmt: skip
        return SimpleNamespace(
            seeds=tuple(seeds), evaluations=evaluations, diverged=(False,) * len(seeds), steps=recipe.steps,
            weights=None, compile_seconds=0.0, train_seconds=0.0, device="cpu", sees=("source", "target"),
            asked=(),
        )  # fmt: skip

    fake_engine(train_grid)
    return world


@pytest.fixture
def made():
    """Makes a result of a spec with given accuracies, some fields of the spec changed."""
    import dataclasses

    from tlx.runs.result import Environment, Result, Score, Selection, Times

    def made(spec, oracle, last=None, **changes):
        spec = dataclasses.replace(spec, **changes)

        def selection(values, labels):
            return Selection(labels, [Score(6, value, [value], value, [[1]], 0.1, value < 0.2) for value in values])

        values = oracle if last is None else last
        selections = {"oracle": selection(oracle, True), "last": selection(values, False)} if oracle else {}
        status = "finished" if oracle else "failed"
        return Result(
            spec, spec.command, status, Environment({}, None, "cpu"), Times("2024-01-01T00:00:00+00:00", 36.0),
            diverged=[False] * len(oracle), sees=("source", "target"), selections=selections,
            error=None if oracle else "ValueError: no",
        )  # fmt: skip

    return made
