"""Each check of the kit fails for what it is there to find, says what to change, and passes what is sound."""

import re

import jax
import numpy as np
import pytest
from flax import nnx

from tlx import Arrays, Dataset, PluginError, Strategy, static, strategy
from tlx.testing import TinyBN, check_backbone, check_dataset, check_strategy, checks_of, parametrize_with_checks


@strategy
class Good(Strategy):
    """Cross-entropy on the source."""

    weight: float = 1.0

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        return self.weight * model.task_loss(logits, batch.source.y), state, {}


def undecorated():
    return type("Bare", (Strategy,), {"__doc__": "Has no decorator.", "loss": Good.loss, "weight": 1.0})


@strategy
class Undocumented(Good):
    pass


@strategy
class UnknownSetting(Good):
    """Its setting is misspelt."""

    setting = "unsupervized"


@strategy
class Integer(Good):
    """Annotates a setting that cannot be hashed."""

    layers: tuple = ([1],)  # pyright: ignore[reportAssignmentType]


@strategy
class Vector(Good):
    """Its loss has a value for each row."""

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        return features.sum(1), state, {}


@strategy
class Infinite(Good):
    """Takes the logarithm of nothing."""

    def loss(self, model, state, batch, context):
        loss, state, metrics = Good.loss(self, model, state, batch, context)
        return loss / (0.0 * loss), state, metrics


@strategy
class Still(Good):
    """Predicts the same whatever was learnt."""

    def predict(self, model, state, x):
        return 0.0 * Good.predict(self, model, state, x)


@strategy
class Repeats(Good):
    """Draws the head and all else from one key."""

    def init(self, model, key):
        return model.init(key).put(noise=jax.random.normal(key))


@strategy
class Adds(Good):
    """Adds to the state in its loss."""

    def loss(self, model, state, batch, context):
        loss, state, metrics = Good.loss(self, model, state, batch, context)
        return loss, state.put(seen=loss), metrics


class Calls:
    count = 0


@strategy
class Counts(Good):
    """Predicts another thing whenever it is called."""

    expected_failed_checks = {"is_deterministic": "it asks the host"}

    def predict(self, model, state, x):
        def count():
            Calls.count += 1
            return np.float32(Calls.count)

        return Good.predict(self, model, state, x) + jax.pure_callback(count, jax.ShapeDtypeStruct((), np.float32))


@strategy
class Numbers(Good):
    """Is for vectors and real numbers, and has a float that shapes its program."""

    inputs = ("vector",)
    targets = ("real",)
    part: float = static(0.5)  # pyright: ignore[reportGeneralTypeIssues]

    def loss(self, model, state, batch, context):
        assert batch.source.x.ndim == 2 and batch.source.y.ndim == 2 and isinstance(self.part, float)
        return Good.loss(self, model, state, batch, context)


@pytest.mark.parametrize(
    ("subject", "check", "says"),
    [
        (undecorated(), "is_decorated", "put @tlx.strategy above class Bare"),
        (Undocumented, "has_a_summary", "give class Undocumented a docstring"),
        (UnknownSetting, "has_a_known_setting", "'unsupervized'; expected one of unsupervised"),
        (Integer, "settings_are_leaves_or_static", "field 'layers' is .* use a tuple"),
        (Vector, "trains", r"the loss is float32\[16\]; expected a float scalar"),
        (Adds, "trains", "Adds, phase train: the loss changed the state's tree at .*seen': it was absent"),
        (Repeats, "uses_each_key_once", "a random key is used twice: .* Split it"),
        (Infinite, "stays_finite", "NaN or infinite after 6 steps of each phase: .*metrics/train/loss.*; guard log"),
        (Still, "learns_from_what_it_sees", "no parameter moves"),
    ],
)
def test_a_bad_strategy_is_told_what_to_change(subject, check, says):
    failed = {result.name: result.message for result in check_strategy(subject) if not result.passed}
    assert re.search(says, failed[check])


@pytest.mark.parametrize("subject", [Good, Numbers])
def test_a_good_strategy_passes_all(subject):
    assert [result for result in check_strategy(subject) if not result.passed] == []
    assert {result.name for result in check_strategy(Good)} == {check.__name__ for check in checks_of(Good)}


def test_a_known_failure_is_declared():
    """The trap: a declaration that outlives its reason, or names a check that there is none of."""
    results = {result.name: result for result in check_strategy(Counts)}
    assert all(result.passed for result in results.values())
    assert results["is_deterministic"].message == "fails as expected: it asks the host"
    Counts.expected_failed_checks = {"trains": "it cannot"}  # pyright: ignore[reportAttributeAccessIssue]
    failed = {result.name: result.message for result in check_strategy(Counts) if not result.passed}
    assert failed.keys() == {"trains", "is_deterministic"} and "it passes: take it out" in failed["trains"]
    marks = {param.id: param.marks for param in parametrize_with_checks([Counts]).mark.args[1]}
    assert marks["Counts-trains"][0].name == "xfail" and not marks["Counts-is_decorated"]
    Counts.expected_failed_checks = {"train": "it cannot"}  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(PluginError, match="no check 'train'; nearest: trains"):
        check_strategy(Counts)


class Unused(TinyBN):
    """Has a layer that it does not use."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.spare = nnx.Linear(3, 3, rngs=rngs)


class Seeded(TinyBN):
    """Starts from a seed of its own."""

    def __init__(self, shape, rngs):
        super().__init__(shape, nnx.Rngs(0))


class Mixing(TinyBN):
    """Takes the mean of the batch away, also in evaluation."""

    def __call__(self, x):
        features = super().__call__(x)
        return features - features.mean(0, keepdims=True)


class Narrow(TinyBN):
    """Says another width than it has."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.width = 3


@pytest.mark.parametrize(
    ("subject", "check", "says"),
    [
        (Unused, "trains_every_parameter", "the gradient of 'features/spare/kernel' is zero everywhere"),
        (Seeded, "starts_from_the_key", "two keys give the same parameters: pass `rngs` on"),
        (Mixing, "predicts_rows_alone", "features change with the rest of the batch"),
        (Narrow, "builds", "features of shape (6, 16); expected (6, 3)"),
        (lambda shape, rngs: TinyBN(shape, rngs), "has_a_summary", "give it a docstring"),
    ],
)
def test_a_bad_backbone_is_told_what_to_change(subject, check, says):
    failed = {result.name: result.message for result in check_backbone(subject) if not result.passed}
    assert says in failed[check]


def test_a_good_backbone_passes_all():
    assert [result for result in check_backbone(TinyBN) if not result.passed] == []


def images(seed: int, count: int = 6) -> Arrays:
    x = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), np.uint8)
    origin = np.array([f"made{seed}/{row}" for row in range(count)])
    return Arrays(x, np.arange(count, dtype=np.int32) % 2, origin)


def good() -> Dataset:
    return Dataset("good", images(0), images(1), ("a", "b"))


def leaking() -> Dataset:
    test = images(1)
    return Dataset("leaking", images(0), test._replace(x=images(0).x), ("a", "b"))


def one_class() -> Dataset:
    test = images(1)
    return Dataset("one_class", images(0), test._replace(y=0 * test.y), ("a", "b"))


class Drifting:
    count = 0


def restless() -> Dataset:
    Drifting.count += 1
    return Dataset("restless", images(10 + Drifting.count), images(1), ("a", "b"))


@pytest.mark.parametrize(
    ("subject", "check", "says"),
    [
        (lambda: 3, "loads", "it gives int; expected a tlx.Dataset"),
        (leaking, "splits_share_no_image", "6 of 6 test images are in train too"),
        (one_class, "has_every_class", "test has no row of class b"),
        (restless, "loads_the_same_twice", "train.x differs between two loads"),
    ],
)
def test_a_bad_dataset_is_told_what_to_change(subject, check, says):
    failed = {result.name: result.message for result in check_dataset(subject) if not result.passed}
    assert says in failed[check]


def test_a_good_dataset_passes_all():
    assert [result for result in check_dataset(good) if not result.passed] == []
    assert all(result.passed for result in check_dataset(good()))


def test_parametrize_names_subject_and_check():
    mark = parametrize_with_checks([Good, TinyBN, good]).mark
    names = [param.id for param in mark.args[1]]
    assert "Good-is_decorated" in names and "good-loads" in names
    assert len(mark.args[1]) == len(checks_of(Good)) + len(checks_of(TinyBN)) + len(checks_of(good))


def test_what_is_none_of_the_three_is_refused():
    with pytest.raises(PluginError, match="no strategy, backbone"):
        checks_of(3)
