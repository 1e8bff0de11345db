"""The adapter to flax NNX."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx import ContractError, SettingError, State
from tlx.augment.geometry import crop
from tlx.engine.model import Frame, make_model
from tlx.layers import conv_general_dilated
from tlx.testing.tiny import TinyBN


class Dropping(nnx.Module):
    """Dropout on the flattened image."""

    def __init__(self, shape, rngs):
        self.width = math.prod(shape)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(x.reshape(x.shape[0], -1))


class Convolving(nnx.Module):
    """One plain nnx.Conv, kept for the test to look at."""

    made: list[nnx.Conv] = []

    def __init__(self, shape, rngs):
        self.width = 4
        self.conv = nnx.Conv(shape[2], 4, (3, 3), rngs=rngs)
        self.made.append(self.conv)

    def __call__(self, x):
        return self.conv(x).mean((1, 2))


def built(backbone, **frame):
    model = make_model(Frame(backbone, (8, 8, 1), 3, 5, **frame))
    return model, model.init(jax.random.key(0)), jax.random.normal(jax.random.key(1), (6, 8, 8, 1))


def test_groups_and_facts():
    model, state, _ = built(TinyBN)
    assert list(state.params) == ["features", "head"] and list(state.extra) == ["features"]
    assert (model.width, model.classes, model.rows, model.shape) == (16, 3, 5, (8, 8, 1))


def test_batch_norm_statistics_are_carried_in_training_only():
    model, state, x = built(TinyBN)
    _, trained = model.features(state, x)
    _, evaluated = model.features(state, x, train=False)
    mean = state.extra["features"]["bn"]["mean"]
    kernel, bias = (state.params["features"]["fc"][name] for name in ("kernel", "bias"))
    expected = 0.99 * mean + 0.01 * (x.reshape(6, -1) @ kernel + bias).mean(0)
    np.testing.assert_allclose(trained.extra["features"]["bn"]["mean"], expected, atol=1e-6)
    np.testing.assert_array_equal(evaluated.extra["features"]["bn"]["mean"], mean)


def test_dropout_draws_anew_with_every_step_and_not_in_evaluation():
    model, state, x = built(Dropping)
    first, after = model.features(state, x)
    second, _ = model.features(after, x)
    again, _ = model.features(state, x)
    assert not np.array_equal(first, second) and np.array_equal(first, again)
    np.testing.assert_array_equal(model.features(state, x, train=False)[0], x.reshape(6, -1))


def test_every_conv_gets_the_fast_convolution():
    Convolving.made.clear()
    built(Convolving)
    assert Convolving.made and all(conv.conv_general_dilated is conv_general_dilated for conv in Convolving.made)


def test_the_bottleneck_is_linear_batch_norm_relu():
    model, state, x = built(TinyBN, bottleneck=7)
    features, _ = model.features(state, x)
    inner, _ = make_model(Frame(TinyBN, (8, 8, 1), 3, 5)).features(
        State(
            {"features": state.params["features"]["backbone"]},
            {"features": state.extra["features"]["backbone"]},
        ),
        x,
    )
    fc = state.params["features"]["fc"]
    z = inner @ fc["kernel"] + fc["bias"]
    expected = np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), 0)
    assert model.width == 7
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_the_head_is_linear_and_another_may_be_added():
    model, state, _ = built(TinyBN)
    features = jax.random.normal(jax.random.key(2), (4, 16))
    state = state._replace(params={**state.params, "head2": model.head(jax.random.key(3))})
    for name in ("head", "head2"):
        kernel, bias = state.params[name]["kernel"], state.params[name]["bias"]
        np.testing.assert_allclose(model.logits(state, features, name), features @ kernel + bias, atol=1e-6)
    assert model.head(jax.random.key(3), 9)["kernel"].shape == (9, 3)


def test_bfloat16_is_inside_only():
    model, state, x = built(TinyBN, dtype="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {jnp.dtype("float32")}
    features, _ = model.features(state, x, train=False)
    plain, _ = built(TinyBN)[0].features(state, x, train=False)
    assert features.dtype == jnp.float32
    gap = np.abs(features - plain).max()
    assert 1e-5 < gap < 0.05  # eight bits of mantissa: seen 0.008


def without_width(shape, rngs):
    return nnx.Linear(4, 4, rngs=rngs)


class Flat(nnx.Module):
    """Says 5 and gives 64."""

    def __init__(self, shape, rngs):
        self.width = 5

    def __call__(self, x):
        return x.reshape(x.shape[0], -1)


def refusing(shape, rngs):
    raise ValueError("sides must be even")


def test_a_backbone_without_width_is_named():
    with pytest.raises(ContractError, match="backbone without_width has width none; expected an attribute `width`"):
        built(without_width)


def test_features_of_a_wrong_shape_are_named():
    model, state, x = built(Flat)
    with pytest.raises(ContractError, match=r"backbone Flat returned features of shape \(6, 64\); expected \(6, 5\)"):
        model.features(state, x)


def test_a_backbone_that_cannot_be_built_is_named():
    with pytest.raises(ContractError, match=r"refusing cannot be built for images of shape \(8, 8, 1\): sides must"):
        built(refusing)


def test_policies_act_before_normalisation():
    """Black is 0, not the mean: what lies beyond the border of a crop is (0 - mean) / std."""
    model, _, x = built(TinyBN, weak="crop(8)", strong="none", mean=0.25, std=0.5)
    key = jax.random.key(2)
    (fresh,) = jax.random.split(key, 1)
    wanted = (crop(fresh, x * 0.5 + 0.25, 8) - 0.25) / 0.5
    np.testing.assert_allclose(model.augment(key, x, "weak"), wanted, atol=1e-6)
    assert float(model.augment(key, x, "weak").min()) == pytest.approx(min(-0.5, float(wanted.min())))
    np.testing.assert_allclose(model.augment(key, x, "strong"), x, atol=1e-6)
    with pytest.raises(SettingError, match="strength is 'strnog'; expected 'weak' or 'strong'"):
        model.augment(key, x, "strnog")
