"""Classifiers that a backbone brings: their own dropout and batch norm, in and out of the engine."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from tlx import ContractError, Strategy, strategy
from tlx.engine.head import HEADS
from tlx.engine.model import Frame, make_model
from tlx.engine.train import train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.mcd import MCD

SHAPE = (8, 8, 1)


class Top(nnx.Module):
    """Dropout, fc 5, batch norm, ReLU, fc."""

    def __init__(self, width, classes, rngs):
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.fc1, self.fc2 = nnx.Linear(width, 5, rngs=rngs), nnx.Linear(5, classes, rngs=rngs)
        self.bn = nnx.BatchNorm(5, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        return self.fc2(nnx.relu(self.bn(self.fc1(self.drop(x)))))


class Topped(TinyBN):
    """TinyBN with a classifier of its own."""

    def head(self, width, classes, rngs):
        return Top(width, classes, rngs)


class Stateless(TinyBN):
    """TinyBN with a classifier that carries nothing."""

    def head(self, width, classes, rngs):
        return nnx.Sequential(nnx.Linear(width, 4, rngs=rngs), nnx.relu, nnx.Linear(4, classes, rngs=rngs))


class Dropping(nnx.Module):
    """Dropout by key, features as they are."""

    def __init__(self, shape, rngs):
        self.width = math.prod(shape)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(x.reshape(x.shape[0], -1))


MODEL = make_model(Frame(Topped, SHAPE, 3, 5))
STATE = MODEL.init(jax.random.key(0))
Z = jax.random.normal(jax.random.key(1), (6, 16))
CLASSIFY = jax.jit(MODEL.classify, static_argnames=("head", "train"))


def leaves_equal(a, b) -> bool:
    def bits(leaf):
        return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf

    return all(np.array_equal(bits(x), bits(y)) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_all_its_parameters_are_group_head():
    assert list(STATE.params) == ["features", "head"] and list(STATE.params["head"]) == ["bn", "fc1", "fc2"]
    assert list(STATE.extra) == ["features", HEADS] and list(STATE.extra[HEADS]) == ["head"]


def test_classify_draws_dropout_anew_and_carries_statistics():
    first, after = CLASSIFY(STATE, Z)
    second, _ = CLASSIFY(after, Z)
    again, same = CLASSIFY(STATE, Z)
    assert first.shape == (6, 3) and not np.array_equal(first, second)
    assert np.array_equal(first, again) and leaves_equal(after, same)
    before, moved = (state.extra[HEADS]["head"]["bn"]["mean"] for state in (STATE, after))
    assert not np.array_equal(before, moved)
    assert leaves_equal(after.extra["features"], STATE.extra["features"])


def test_logits_are_in_evaluation_mode():
    head, carried = STATE.params["head"], STATE.extra[HEADS]["head"]["bn"]
    hidden = np.asarray(Z @ head["fc1"]["kernel"] + head["fc1"]["bias"])
    hidden = (hidden - carried["mean"]) / np.sqrt(carried["var"] + 1e-5) * head["bn"]["scale"] + head["bn"]["bias"]
    expected = np.maximum(hidden, 0) @ head["fc2"]["kernel"] + head["fc2"]["bias"]
    np.testing.assert_allclose(MODEL.logits(STATE, Z), expected, atol=1e-5)
    np.testing.assert_array_equal(MODEL.classify(STATE, Z, train=False)[0], MODEL.logits(STATE, Z))


def test_another_group_and_another_width():
    state = MODEL.with_head(STATE, jax.random.key(3), "head2", width=9)
    assert list(state.params) == ["features", "head", "head2"] and list(state.extra[HEADS]) == ["head", "head2"]
    assert state.params["head2"]["fc1"]["kernel"].shape == (9, 5)
    _, after = MODEL.classify(state, Z[:, :9], "head2")
    assert leaves_equal(after.extra[HEADS]["head"], STATE.extra[HEADS]["head"])
    new = MODEL.with_head(STATE, jax.random.key(4))
    for fc in ("fc1", "fc2"):
        assert not np.array_equal(new.params["head"][fc]["kernel"], STATE.params["head"][fc]["kernel"])


def test_a_group_without_what_the_classifier_carries_is_named():
    state = STATE._replace(params={**STATE.params, "head2": MODEL.head(jax.random.key(3))})
    with pytest.raises(ContractError, match=r"Topped carries .* none for group \'head2\'; .*model.with_head"):
        MODEL.classify(state, Z, "head2")


def test_one_that_carries_nothing_needs_nothing():
    model = make_model(Frame(Stateless, SHAPE, 3, 5))
    state = model.init(jax.random.key(0))
    assert list(state.extra) == ["features"]
    state = state._replace(params={**state.params, "head2": model.head(jax.random.key(1))})
    logits, after = model.classify(state, Z, "head2")
    assert logits.shape == (6, 3) and after is state


def test_a_linear_head_carries_nothing():
    model = make_model(Frame(TinyBN, SHAPE, 3, 5))
    state = model.init(jax.random.key(0))
    logits, after = model.classify(state, Z)
    assert after is state and np.array_equal(logits, model.logits(state, Z))


def test_a_layer_named_head_is_a_layer():
    class Layered(TinyBN):
        def __init__(self, shape, rngs):
            super().__init__(shape, rngs)
            self.head = nnx.Linear(16, 16, rngs=rngs)

    state = make_model(Frame(Layered, SHAPE, 3, 5)).init(jax.random.key(0))
    assert set(state.params["head"]) == {"bias", "kernel"} and "head" in state.params["features"]


def test_it_stands_on_the_bottleneck():
    state = make_model(Frame(Topped, SHAPE, 3, 5, bottleneck=7)).init(jax.random.key(0))
    assert state.params["head"]["fc1"]["kernel"].shape == (7, 5)


def test_logits_of_a_wrong_shape_are_named():
    class Wrong(TinyBN):
        def head(self, width, classes, rngs):
            return nnx.Linear(width, 7, rngs=rngs)

    model = make_model(Frame(Wrong, SHAPE, 3, 5))
    with pytest.raises(ContractError, match=r"backbone Wrong returned logits of shape \(6, 7\); expected \(6, 3\)"):
        model.logits(model.init(jax.random.key(0)), Z)


def test_seeds_under_vmap_are_the_seeds_alone():
    """Dropout keys are data: each seed has its own masks, the same as by itself."""
    x = jax.random.normal(jax.random.key(2), (6, *SHAPE))

    @jax.jit
    def run(key):
        model = make_model(Frame(Dropping, SHAPE, 3, 5))
        first, state = model.features(model.init(key), x)
        return first, model.features(state, x)[0], CLASSIFY(MODEL.init(key), Z)[0]

    keys = jax.random.split(jax.random.key(5), 3)
    together = jax.jit(jax.vmap(run))(keys)
    for i, key in enumerate(keys):
        for all_of_them, one in zip(together, run(key), strict=True):
            np.testing.assert_allclose(all_of_them[i], one, atol=1e-5)
    assert not np.array_equal(together[0][0], together[0][1]) and not np.array_equal(together[0][0], together[1][0])


@strategy
class Forgetful(Strategy):
    """Trains the classifier in evaluation mode."""

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits = model.logits(state, features)
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch.source.y).mean(), state, {}


def test_training_it_in_evaluation_mode_is_refused():
    with pytest.raises(ContractError, match=r"strategy Forgetful, phase train trains 'head'.*model\.classify"):
        train(Forgetful(), Topped, tiny_task(), tiny_recipe(), (0,))


def test_in_the_engine_a_spec_gives_the_same_bits():
    recipe = dataclasses.replace(tiny_recipe(), steps=4, rounds=2)
    first, again = (train(MCD(num_k=1), Topped, tiny_task(), recipe, (0, 1)) for _ in range(2))
    assert not any(first.diverged)
    for a, b in zip(first.evaluations, again.evaluations, strict=True):
        np.testing.assert_array_equal(a.target_logits, b.target_logits)
    last = first.evaluations[-1].target_logits
    assert np.isfinite(last).all() and not np.array_equal(last[0], last[1])
    assert not np.array_equal(last, first.evaluations[0].target_logits)
