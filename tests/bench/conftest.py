"""A small world: a registry with tiny datasets and strategies, and a `train` that makes up logits without JAX."""

import functools
from typing import Any, NamedTuple

import numpy as np
import pytest

import tlx
from tlx import Dataset, Protocol, Suite, Task
from tlx.bench.plan import make_spec
from tlx.data import Arrays
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.score import Selector, accuracy

PROTOCOL = Protocol("tiny-8", "tiny images", size=8, channels=1)
RECIPE = Recipe(name="short", steps=6, rounds=3)
SUITE = Suite("tiny", ("a->b", "a->c"), ("source_only", "shift", "bad"), backbone="net", recipe="short", seeds=2)


@tlx.strategy
class SourceOnly(tlx.Strategy):
    """No adaptation."""

    setting = "bound"


@tlx.strategy
class Shift(tlx.Strategy):
    """Shifts."""

    weight: float = 1
    depth: int = 2
    soft: bool = False
    layers: tuple[int, ...] = (1, 2)
    mode: str = "mean"

    def __post_init__(self):
        if isinstance(self.weight, float) and self.weight < 0:
            raise ValueError("weight is below 0")


@tlx.strategy
class Bad(tlx.Strategy):
    """Fails, or not: see `World.fails`."""


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
        rng = np.random.default_rng(len(name) + ord(name[0]))

        def split(part, rows):
            origin = np.array([f"{name}/{part}/{row}" for row in range(rows)])
            return Arrays(rng.integers(0, 255, (rows, 8, 8, 1), np.uint8), np.arange(rows, dtype=np.int32) % 3, origin)

        return Dataset(name, split("train", 12), split("test", 9), ("x", "y", "z"))

    return make


class Plugin:
    @tlx.hookimpl
    def tlx_strategies(self, register):
        register("source_only", SourceOnly)
        register("shift", Shift)
        register("bad", Bad)

    @tlx.hookimpl
    def tlx_backbones(self, register):
        register("net", lambda in_shape, rngs: None)

    @tlx.hookimpl
    def tlx_datasets(self, register):
        for name in "abc":
            register(name, dataset(name))

    @tlx.hookimpl
    def tlx_tasks(self, register):
        for target in "bc":
            register(f"a->{target}", Task(("a",), target, PROTOCOL))

    @tlx.hookimpl
    def tlx_selectors(self, register):
        register("last", Last)
        register("oracle", Oracle)

    @tlx.hookimpl
    def tlx_recipes(self, register):
        register("short", RECIPE)

    @tlx.hookimpl
    def tlx_suites(self, register):
        register("tiny", SUITE)


class Evaluation(NamedTuple):
    phase: str
    step: int
    source_logits: np.ndarray
    target_logits: np.ndarray
    metrics: dict


class Outcome(NamedTuple):
    seeds: tuple
    evaluations: list
    diverged: tuple
    steps: int
    compile_seconds: float
    train_seconds: float
    device: str
    sees: tuple
    weights: Any


class Progress(NamedTuple):
    phase: str
    round: int
    rounds: int
    step: int
    steps: int
    metrics: dict


class World:
    """The fake engine: `calls` are the strategies trained, and `grids` the sizes of the grids.

    `fails` maps a strategy's class name to what it raises.
    """

    def __init__(self):
        self.calls, self.grids, self.fails, self.phases = [], [], {}, ("train",)

    def train_grid(self, points, backbone, data, seeds, on_round, **more):
        self.given = more
        self.grids.append(len(points))
        return [
            self.train(strategy, data, recipe, seeds, functools.partial(on_round, place))
            for place, (strategy, recipe) in enumerate(points)
        ]

    def train(self, strategy, data, recipe, seeds, on_round):
        name = type(strategy).__name__
        self.calls.append(name)
        if name in self.fails:
            raise self.fails[name]
        evaluations = []
        for phase in self.phases:
            for _ in range(recipe.rounds):
                step = (len(evaluations) + 1) * recipe.steps // (recipe.rounds * len(self.phases))
                draw = [np.random.default_rng([seed, step, len(name)]) for seed in seeds]
                source = np.stack([rng.normal(size=(len(data.source_val.y), 3)) for rng in draw])
                target = np.stack([rng.normal(size=(len(data.test_y), 3)) for rng in draw])
                metrics = {"loss": np.array([1 / step, np.nan, 2.0][: len(seeds)], np.float32)}
                evaluations.append(Evaluation(phase, step, source, target, metrics))
                on_round(Progress(phase, len(evaluations), recipe.rounds, step, recipe.steps, {}))
        diverged = tuple(seed == 1 for seed in seeds)
        shown = ("target", "source")
        ended = lambda place: {"fc/kernel": np.full((2, 3), place, np.float32)}  # noqa: E731
        return Outcome(tuple(seeds), evaluations, diverged, recipe.steps, 0.5, 0.25, "cpu", shown, ended)


@pytest.fixture
def registry():
    registry = Registry()
    registry.add(Plugin(), "tiny")
    assert not registry.problems
    return registry


@pytest.fixture
def world(monkeypatch):
    """Stands in for the engine."""
    world = World()
    monkeypatch.setattr("tlx.engine.train.train_grid", world.train_grid)
    return world


@pytest.fixture
def spec(registry):
    """The spec of `shift` on a->b with two seeds."""
    return make_spec(registry, "a->b", "shift", backbone="net", recipe="short", seeds=2)


@pytest.fixture
def result(registry, world, spec):
    """The result of `spec`."""
    from tlx.bench.runner import Runner

    return Runner(registry)(spec)
