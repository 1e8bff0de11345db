"""The model that is made from a backbone and the facts of a task."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from tlx import ContractError, State
from tlx.augment.geometry import crop
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.ops import cross_entropy
from tlx.testing.tiny import TinyBN

SHAPES = Shapes.of(np.zeros((1, 8, 8, 1), np.uint8))
X = jax.random.normal(jax.random.key(1), (6, 8, 8, 1))
Z = jax.random.normal(jax.random.key(2), (6, 16))


class Dropping(nnx.Module):
    """Dropout on the flattened image."""

    def __init__(self, shape, rngs):
        self.width = math.prod(shape)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(x.reshape(x.shape[0], -1))


class Deep(nnx.Module):
    """Two blocks of a linear layer and batch norm, and a layer that is not called."""

    def __init__(self, shape, rngs):
        self.width = 5
        self.stem = nnx.Linear(math.prod(shape), 5, rngs=rngs)
        self.blocks = nnx.List([nnx.BatchNorm(5, rngs=rngs) for _ in range(2)])
        self.spare = nnx.Linear(5, 5, rngs=rngs)

    def __call__(self, x):
        x = self.stem(x.reshape(x.shape[0], -1))
        for block in self.blocks:
            x = jnp.sin(block(x))
        return x


class Top(nnx.Module):
    """Dropout, fc 5, batch norm, ReLU, fc."""

    def __init__(self, width, outputs, rngs):
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.fc1, self.fc2 = nnx.Linear(width, 5, rngs=rngs), nnx.Linear(5, outputs, rngs=rngs)
        self.bn = nnx.BatchNorm(5, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        return self.fc2(nnx.relu(self.bn(self.fc1(self.drop(x)))))


class Topped(TinyBN):
    """TinyBN with a classifier of its own."""

    def head(self, width, outputs, rngs):
        return Top(width, outputs, rngs)


def spec(backbone, **facts) -> ModelSpec:
    return ModelSpec(backbone, SHAPES, **{"outputs": 3, "known": 3, **facts})


def built(backbone, **facts):
    model = make_model(spec(backbone, **facts))
    return model, model.init(jax.random.key(0))


def host(tree):
    """NumPy arrays, whose ranks may differ in an operation."""
    return jax.tree.map(np.asarray, tree)


def traced(function, *args):
    """A contract violation shows when it is traced."""
    return jax.eval_shape(function, *args)


def test_groups_and_facts():
    model, state = built(
        TinyBN,
        outputs=4,
        domains=2,
        class_names=("a", "b", "c"),
        rows=(("source", 9), ("source_val", 2), ("target", 5), ("labelled", 0)),
    )
    assert list(state.params) == list(state.stats) == ["features", "head"] and state.extra == {}
    assert (model.width, model.known, model.outputs, model.domains, model.shape) == (16, 3, 4, 2, (8, 8, 1))
    assert model.class_names == ("a", "b", "c")
    assert model.rows == {"source": 9, "source_val": 2, "target": 5, "labelled": 0}
    assert state.params["head"]["kernel"].shape == (16, 4)


def test_batch_norm_statistics_are_carried_in_training_only():
    model, state = built(TinyBN)
    _, trained = model.features(state, X)
    _, evaluated = model.features(state, X, train=False)
    mean = host(state.stats["features"].values["bn"]["mean"])
    fc = host(state.params["features"]["fc"])
    expected = 0.99 * mean + 0.01 * (host(X).reshape(6, -1) @ fc["kernel"] + fc["bias"]).mean(0)
    np.testing.assert_allclose(trained.stats["features"].values["bn"]["mean"], expected, atol=1e-6)
    np.testing.assert_array_equal(evaluated.stats["features"].values["bn"]["mean"], mean)


def test_dropout_draws_anew_with_every_step_and_not_in_evaluation():
    model, state = built(Dropping)
    first, after = model.features(state, X)
    second, _ = model.features(after, X)
    again, _ = model.features(state, X)
    assert not np.array_equal(first, second) and np.array_equal(first, again)
    np.testing.assert_array_equal(model.features(state, X, train=False)[0], X.reshape(6, -1))


def test_the_bottleneck_is_linear_batch_norm_relu():
    model, state = built(TinyBN, bottleneck=7)
    features, _ = model.features(state, X)
    inner_model, inner = built(TinyBN)
    inner = inner.put_params(features=state.params["features"]["backbone"])  # whose statistics are new as well
    fc = host(state.params["features"]["fc"])
    z = host(inner_model.features(inner, X)[0]) @ fc["kernel"] + fc["bias"]
    expected = np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), 0)
    assert model.width == 7
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_the_classifier_is_linear_and_another_may_be_added():
    model, state = built(TinyBN)
    state = model.add(state, jax.random.key(3), "head2", model.classifier())
    for name in ("head", "head2"):
        fc = host(state.params[name])
        logits, after = model.classify(state, Z, net=name)
        np.testing.assert_allclose(logits, host(Z) @ fc["kernel"] + fc["bias"], atol=1e-5)
        assert jax.tree.structure(after) == jax.tree.structure(state)
        np.testing.assert_array_equal(logits, model.classify(state, Z, net=name, train=False)[0])
    assert not np.array_equal(state.params["head"]["kernel"], state.params["head2"]["kernel"])
    wide = model.add(state, jax.random.key(4), "wide", model.classifier(width=9, outputs=4))
    assert wide.params["wide"]["kernel"].shape == (9, 4)
    assert jax.tree.leaves(state.stats["head"]) == []


def test_a_backbones_own_classifier_carries_dropout_and_statistics():
    model, state = built(Topped)
    classify = jax.jit(model.classify, static_argnames=("net", "train"))
    assert list(state.params["head"]) == ["bn", "fc1", "fc2"]
    first, after = classify(state, Z)
    second, _ = classify(after, Z)
    again, _ = classify(state, Z)
    assert first.shape == (6, 3) and not np.array_equal(first, second) and np.array_equal(first, again)
    before, moved = (each.stats["head"].values["bn"]["mean"] for each in (state, after))
    assert not np.array_equal(before, moved)

    head, carried = host((after.params["head"], after.stats["head"].values["bn"]))
    hidden = host(Z) @ head["fc1"]["kernel"] + head["fc1"]["bias"]
    hidden = (hidden - carried["mean"]) / np.sqrt(carried["var"] + 1e-5) * head["bn"]["scale"] + head["bn"]["bias"]
    expected = np.maximum(hidden, 0) @ head["fc2"]["kernel"] + head["fc2"]["bias"]
    np.testing.assert_allclose(classify(after, Z, train=False)[0], expected, atol=1e-5)

    state = model.add(state, jax.random.key(3), "head2", model.classifier(width=9))
    assert state.params["head2"]["fc1"]["kernel"].shape == (9, 5)
    _, other = model.classify(state, Z[:, :9], net="head2")
    np.testing.assert_array_equal(other.stats["head"].values["bn"]["mean"], before)
    new = model.renew(state, jax.random.key(4), "head")
    for fc in ("fc1", "fc2"):
        assert not np.array_equal(new.params["head"][fc]["kernel"], state.params["head"][fc]["kernel"])


def test_a_layer_named_head_is_a_layer():
    class Layered(TinyBN):
        def __init__(self, shape, rngs):
            super().__init__(shape, rngs)
            self.head = nnx.Linear(16, 16, rngs=rngs)

    state = traced(make_model(spec(Layered)).init, jax.random.key(0))
    assert set(state.params["head"]) == {"bias", "kernel"} and "head" in state.params["features"]


def test_a_backbones_own_classifier_stands_on_the_bottleneck():
    state = traced(make_model(spec(Topped, bottleneck=7)).init, jax.random.key(0))
    assert state.params["head"]["fc1"]["kernel"].shape == (7, 5)


def test_a_classifier_of_a_wrong_shape_is_named():
    class Wrong(TinyBN):
        def head(self, width, outputs, rngs):
            return nnx.Linear(width, 7, rngs=rngs)

    with pytest.raises(ContractError, match=r"of backbone Wrong returned logits of shape \(2, 7\); expected \(2, 3\)"):
        make_model(spec(Wrong))


def test_an_added_classifier_of_a_wrong_shape_is_named():
    class Sum(nnx.Module):
        def __call__(self, x):
            return x.sum()

    model = make_model(spec(TinyBN))
    state = model.add(State({}, {}, {}), jax.random.key(0), "sum", lambda rngs: Sum())
    with pytest.raises(ContractError, match=r"classifier 'sum' returned logits of shape \(\) for features of shape"):
        traced(lambda z: model.classify(state, z, net="sum"), Z)


def test_bfloat16_is_inside_only():
    model, state = built(TinyBN, dtype="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {jnp.dtype("float32")}
    features, _ = model.features(state, X, train=False)
    plain, other = built(TinyBN)
    assert features.dtype == jnp.float32
    gap = np.abs(features - plain.features(other, X, train=False)[0]).max()
    assert 1e-5 < gap < 0.05  # eight bits of mantissa: seen 0.008


def test_taps_are_the_outputs_of_inner_modules():
    model, state = built(Deep)
    out, tapped, after = model.features(state, X, taps=("blocks/1", "stem"))
    assert list(tapped) == ["blocks/1", "stem"]
    stem = host(state.params["features"]["stem"])
    np.testing.assert_allclose(tapped["stem"], host(X).reshape(6, -1) @ stem["kernel"] + stem["bias"], atol=1e-5)
    np.testing.assert_allclose(jnp.sin(tapped["blocks/1"]), out, atol=1e-6)
    plain, moved = model.features(state, X)
    np.testing.assert_array_equal(plain, out)
    jax.tree.map(np.testing.assert_array_equal, moved.stats, after.stats)
    assert jax.tree.structure(moved) == jax.tree.structure(after) == jax.tree.structure(state)

    def loss(params):
        _, tapped, _ = model.features(state._replace(params=params), X, taps=("stem", "blocks/0"))
        return jnp.sum(tapped["stem"] ** 2) + jnp.sum(tapped["blocks/0"] ** 2)

    grads = jax.grad(loss)(state.params)["features"]
    assert all(leaf.any() for leaf in (grads["stem"]["kernel"], grads["blocks"][0]["scale"]))
    assert not grads["blocks"][1]["scale"].any()


def test_taps_of_a_copy_in_evaluation_mode():
    model, state = built(Deep)
    state = model.copy(state, "features", "teacher")
    out, tapped, after = model.features(state, X, net="teacher", train=False, taps=("blocks/0",))
    assert tapped["blocks/0"].shape == (6, 5)
    np.testing.assert_array_equal(out, model.features(state, X, train=False)[0])
    assert after is state


@pytest.mark.parametrize(
    ("tap", "message"),
    [
        ("stme", r"backbone Deep has no module 'stme' to tap; did you mean stem\? it has: .*blocks/0, .*stem"),
        ("blocks/2", r"backbone Deep has no module 'blocks/2' to tap"),
        ("spare", r"backbone Deep does not call its module 'spare', so there is no output to tap"),
    ],
)
def test_an_unknown_tap_is_named(tap, message):
    model, state = built(Deep)
    with pytest.raises(ContractError, match=message):
        traced(lambda x: model.features(state, x, taps=("stem", tap)), X)


def test_batch_norm_may_be_blended_with_running_statistics():
    """0 is the batch's statistics, 1 the running ones; one number for a layer, or one for each channel."""
    model, state = built(Deep)
    _, state = model.features(state, X + 1)  # so that running statistics are not 0 and 1
    bn = host(state.stats["features"].values["blocks"])
    asked = []

    def running(layer, channels):
        asked.append((layer, channels))
        return jnp.array([0.0, 0.25, 0.5, 0.75, 1.0]) if layer == 0 else 1.0

    _, tapped, after = model.features(state, X, running=running, taps=("stem", "blocks/0", "blocks/1"))
    assert asked == [(0, 5), (1, 5)]
    z, a = np.asarray(tapped["stem"]), np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    mean = a * bn[0]["mean"] + (1 - a) * z.mean(0)
    var = a * bn[0]["var"] + (1 - a) * z.var(0)
    np.testing.assert_allclose(tapped["blocks/0"], (z - mean) / np.sqrt(var + 1e-5), atol=1e-5)
    second = np.sin(np.asarray(tapped["blocks/0"]))
    expected = (second - bn[1]["mean"]) / np.sqrt(bn[1]["var"] + 1e-5)
    np.testing.assert_allclose(tapped["blocks/1"], expected, atol=1e-5)
    moved = after.stats["features"].values["blocks"]
    np.testing.assert_allclose(moved[0]["mean"], 0.99 * bn[0]["mean"] + 0.01 * z.mean(0), atol=1e-6)

    batch, _ = model.features(state, X, running=lambda layer, channels: 0.0)
    np.testing.assert_allclose(batch, model.features(state, X)[0], atol=1e-5)
    whole, _ = model.features(state, X, running=lambda layer, channels: 1.0)
    np.testing.assert_allclose(whole, model.features(state, X, train=False)[0], atol=1e-5)


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
        make_model(spec(without_width))


def test_features_of_a_wrong_shape_are_named():
    model = make_model(spec(Flat))
    state = traced(model.init, jax.random.key(0))
    with pytest.raises(ContractError, match=r"backbone Flat returned features of shape \(6, 64\); expected \(6, 5\)"):
        traced(model.features, state, X)


def test_a_backbone_that_cannot_be_built_is_named():
    with pytest.raises(ContractError, match=r"refusing cannot be built for x of shape \(8, 8, 1\): sides must"):
        make_model(spec(refusing))


def test_policies_act_before_normalisation():
    """Black is 0, not the mean: what lies beyond the border of a crop is (0 - mean) / std."""
    model = make_model(spec(TinyBN, views=(("weak", "crop(8)"), ("third", "none")), mean=0.25, std=0.5))
    (fresh,) = jax.random.split(jax.random.key(2), 1)
    wanted = (crop(fresh, X * 0.5 + 0.25, 8) - 0.25) / 0.5
    np.testing.assert_allclose(model.augment(jax.random.key(2), X, "weak"), wanted, atol=1e-6)
    default = model.augment(jax.random.key(2), X)
    np.testing.assert_array_equal(default, model.augment(jax.random.key(2), X, "weak"))
    assert float(default.min()) == pytest.approx(min(-0.5, float(wanted.min())))
    np.testing.assert_allclose(model.augment(jax.random.key(2), X, "third"), X, atol=1e-6)
    with pytest.raises(ContractError, match=r"the recipe has no view 'thrid'; third\? Its views: weak, third"):
        model.augment(jax.random.key(2), X, "thrid")


def test_pixels_and_back():
    scales: dict[str, Any] = {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    model = make_model(ModelSpec(TinyBN, Shapes.of(np.zeros((1, 4, 4, 3), np.uint8)), 3, 3, **scales))
    pixels = jnp.float32(np.random.default_rng(0).uniform(0, 1, (2, 4, 4, 3)))
    seen = model.from_pixels(pixels)
    expected = (host(pixels) - np.array(scales["mean"])) / np.array(scales["std"])
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.to_pixels(seen), pixels, atol=1e-6)


def test_what_is_no_image_has_no_pixels_and_is_not_augmented():
    model = make_model(ModelSpec(TinyBN, Shapes.of(np.zeros((1, 6), np.float32)), 3, 3, kind="vector"))
    x = jnp.ones((2, 6))
    for use in (model.to_pixels, model.from_pixels):
        with pytest.raises(ContractError, match="a row of this task is a vector, which has no pixels"):
            use(x.reshape(2, 6, 1, 1))
    assert model.augment(jax.random.key(0), x, "strong") is x
    assert model.shape == (6,)


def test_a_tree_of_arrays_has_a_tree_of_shapes():
    x = {"first": np.zeros((1, 2), np.float32), "text": np.zeros((1, 4), np.int32)}
    shapes = Shapes.of(x)
    assert shapes.tree == {"first": (2,), "text": (4,)} and hash(shapes) == hash(Shapes.of(x))
    example = shapes.example(3)
    assert example["first"].shape == (3, 2) and example["text"].dtype == jnp.int32
    assert SHAPES.example().dtype == jnp.float32 and SHAPES.tree == (8, 8, 1)


def test_the_task_loss_is_that_of_the_kind_of_target():
    model, labels = make_model(spec(TinyBN)), jnp.arange(6) % 3
    logits = Z[:, :3]
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    np.testing.assert_allclose(model.task_loss(logits, labels), expected, rtol=1e-6)
    smooth = model.task_loss(logits, labels, smoothing=0.1)
    np.testing.assert_allclose(smooth, cross_entropy(logits, labels, 0.1), rtol=1e-6)
    assert float(smooth) != float(expected)
    real = make_model(spec(TinyBN, target_kind="real", outputs=2, known=2))
    y = Z[:, 4:6]
    np.testing.assert_allclose(real.task_loss(Z[:, :2], y), ((Z[:, :2] - y) ** 2).mean(), rtol=1e-6)
