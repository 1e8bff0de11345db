"""What a strategy may get wrong: a named error says what was expected, before anything is compiled where that is known.

A third party meets the error in the result of the run: `error` is what it says, `traceback` has its name.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tlx
from tlx.data import LabelSpace, from_arrays
from tlx.engine.compiled import count_compiled  # the tests' own look inside


@tlx.strategy
class Plain(tlx.Strategy):
    """Learns the source."""

    targets = ("classes", "real")

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        return model.task_loss(logits, batch.source.y), state, {}

    def phase(self, model, **more):
        def loss(state, batch, context):
            return self.loss(model, state, batch, context)

        return (tlx.Phase((tlx.Objective(loss),), **more),)


@tlx.strategy
class ReadsTheTarget(Plain):
    """Reads what it has not asked for."""

    def loss(self, model, state, batch, context):
        features, _ = model.features(state, batch.target.x)
        return features.mean(), state, {}

    def phases(self, model):
        return self.phase(model, sees=frozenset({"source"}))


@tlx.strategy
class TakesAName(Plain):
    """Adds a network by a name that is taken."""

    def init(self, model, key):
        first, second = jax.random.split(key)
        return model.add(model.init(first), second, "head", model.classifier())


@tlx.strategy
class GrowsInTheLoss(Plain):
    """Adds an extra in the loss."""

    def loss(self, model, state, batch, context):
        loss, state, metrics = super().loss(model, state, batch, context)
        return loss, state.put(memory=jnp.zeros(3)), metrics


@tlx.strategy
class GrowsAfter(Plain):
    """Adds an extra after a step."""

    def phases(self, model):
        return self.phase(model, after=lambda state, batch, context: state.put(memory=jnp.zeros(3)))


@tlx.strategy
class GrowsInRefresh(Plain):
    """Changes the shape of an extra in `refresh`."""

    def init(self, model, key):
        return model.init(key).put(memory=jnp.zeros(3))

    def phases(self, model):
        return self.phase(model, refresh=lambda state, swept, context: state.put(memory=jnp.zeros(4)))


@tlx.strategy
class TapsNothing(Plain):
    """Taps a layer that the backbone lacks."""

    def loss(self, model, state, batch, context):
        features, _, state = model.features(state, batch.source.x, taps=("fc3",))
        return features.mean(), state, {}


@tlx.strategy
class LooksStrangely(Plain):
    """Asks for a view that the recipe lacks."""

    def loss(self, model, state, batch, context):
        features, state = model.features(state, model.augment(context.key, batch.source.x, "stronk"))
        return features.mean(), state, {}


@tlx.strategy
class DrawsTooFar(Plain):
    """Draws the row after the last."""

    def phases(self, model):
        def draw(state, fields, key, sizes):
            return {"source": jnp.full(sizes["source"], fields["source"].rows)}

        return self.phase(model, draw=draw)


@tlx.strategy
class DrawsOthers(Plain):
    """Draws rows of a field that it does not see."""

    def phases(self, model):
        def draw(state, fields, key, sizes):
            return {"labelled": jnp.zeros(sizes["source"], jnp.int32)}

        return self.phase(model, draw=draw)


@tlx.strategy
class Misspells(Plain):
    """Names an optimizer that optax lacks."""

    def phases(self, model):
        return self.phase(model, recipe={"optimizer": "adamm"})


@tlx.strategy
class OfImages(Plain):
    """Is for images."""

    inputs = ("image",)


@tlx.strategy
class OfClasses(Plain):
    """Is for classes."""

    targets = ("classes",)


@tlx.strategy
class OfOpenSets(Plain):
    """Is for open sets."""

    spaces = ("open", "universal")


@tlx.hookimpl
def tlx_protocols(register):
    labels = LabelSpace(("0", "1", "2"), ("0", "1"))
    register("partial", tlx.Protocol("partial", "2 is not wanted", size=8, channels=1, labels=labels))


@tlx.hookimpl
def tlx_strategies(register):
    for kind in (ReadsTheTarget, TakesAName, GrowsInTheLoss, GrowsAfter, GrowsInRefresh, TapsNothing, LooksStrangely):
        register(kind.__name__, kind)
    for kind in (DrawsTooFar, DrawsOthers, Misspells, OfImages, OfClasses, OfOpenSets):
        register(kind.__name__, kind)


@pytest.fixture(scope="module")
def domains():
    """Pairs of datasets by kind of input and of target."""
    random = np.random.default_rng(0)
    y = np.arange(60) % 3
    rows = {
        "image": (random.integers(0, 255, (60, 8, 8), np.uint8), y),
        "vector": (random.normal(size=(60, 4)), y),
        "real": (random.normal(size=(60, 4)), random.normal(size=(60, 1))),
    }
    return {kind: [from_arrays(name, pair) for name in ("a", "b")] for kind, pair in rows.items()}


@pytest.fixture
def refused(attempt, domains):
    """Runs what is to fail, and gives the name of its error, what that says, and how many programs were compiled."""

    def call(strategy: str, kind: str = "image", protocol: str = "") -> tuple[str, str, int]:
        before = count_compiled()
        result = attempt(f"a->b{protocol}", strategy, *domains[kind], backbone="dense", seeds=1, steps=2)
        assert result.status == "failed"
        name = re.findall(r"^tlx\.errors\.(\w+): ", result.traceback, re.MULTILINE)[-1]
        return name, result.error, count_compiled() - before

    return call


EARLY = {
    "ReadsTheTarget": ("NotShownError", "phase train reads batch.target", "it is shown: source."),
    "TakesAName": ("ContractError", "network 'head' is there already", "taken names: features, head"),
    "GrowsInTheLoss": (
        "ContractError",
        "the loss changed the state's tree at 'extra/memory'",
        "was absent, is float32[3]",
    ),
    "GrowsAfter": ("ContractError", "`after` changed the state's tree at", "only `init` and a phase's `begin` may"),
    "GrowsInRefresh": ("ContractError", "`refresh` changed the state's tree", "was float32[3], is float32[4]"),
    "TapsNothing": ("ContractError", "no module 'fc3' to tap", "did you mean fc"),
    "LooksStrangely": ("ContractError", "no view 'stronk'; strong?", "Its views: weak, strong"),
    "DrawsOthers": ("ContractError", "`draw` gives rows of 'labelled'", "it sees: source, target"),
    "Misspells": ("SettingError", "optax has no optimizer 'adamm'", "nearest: adam"),
}


@pytest.mark.parametrize("strategy", EARLY)
def test_before_anything_is_compiled(refused, strategy):
    expected, *words = EARLY[strategy]
    name, error, compiled = refused(strategy)
    assert name == expected and compiled == 0
    assert all(word in error for word in words), error


def test_rows_out_of_range(refused):
    """Known once they are drawn, before a step is taken."""
    name, error, _ = refused("DrawsTooFar")
    assert name == "ContractError"
    assert "strategy DrawsTooFar, phase train: `draw` gives a row out of range; the fields have" in error
    assert "'source': " in error and "rows" in error


def test_unsupported_kinds(refused):
    for strategy, kind, protocol, words in (
        ("OfImages", "vector", "", "OfImages is for inputs image; task 'a->b' has 'vector'"),
        ("OfClasses", "real", "", "OfClasses is for targets classes; task 'a->b' has 'real'"),
        ("OfOpenSets", "image", "", "OfOpenSets is for spaces open, universal; task 'a->b' has 'closed'"),
        ("OfOpenSets", "image", "@partial", "task 'a->b' has 'partial'"),
    ):
        name, error, compiled = refused(strategy, kind, protocol)
        assert name == "ContractError" and words in error and compiled == 0, error
