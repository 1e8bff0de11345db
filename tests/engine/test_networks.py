"""Networks by name: what is added, applied, copied and renewed, from NNX and Linen, in and out of `jit`."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from tlx import ContractError, Objective, Phase, State
from tlx.engine.groups import select
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.networks import Carried, network
from tlx.engine.optimizer import descent
from tlx.engine.step import Program, Where, start, step
from tlx.testing.tiny import TinyBN, tiny_recipe

SHAPES = Shapes.of(np.zeros((1, 8, 8, 1), np.uint8))
MODEL = make_model(ModelSpec(TinyBN, SHAPES, 3, 3))
KEY = jax.random.key(0)
Z = jax.random.normal(jax.random.key(1), (6, 16))


class Projector(nnx.Module):
    """Dropout, fc 5, batch norm."""

    def __init__(self, width, rngs):
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.fc = nnx.Linear(width, 5, rngs=rngs)
        self.bn = nnx.BatchNorm(5, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        return self.bn(self.fc(self.drop(x)))


class LinenProjector(linen.Module):
    """The same in Linen."""

    @linen.compact
    def __call__(self, x, train: bool):
        x = linen.Dropout(0.5, deterministic=not train)(x)
        x = linen.Dense(5, name="fc")(x)
        return linen.BatchNorm(momentum=0.9, name="bn", use_running_average=not train)(x)


class LinenNet(linen.Module):
    """A Linen backbone: dense 7, dropout."""

    width: int = 7

    @linen.compact
    def __call__(self, x, deterministic: bool):
        return linen.Dropout(0.5)(linen.Dense(7)(x.reshape(x.shape[0], -1)), deterministic=deterministic)


def with_projector(kind: str) -> State:
    state = MODEL.init(KEY)
    key = jax.random.key(4)
    if kind == "nnx":
        return MODEL.add(state, key, "projector", lambda rngs: Projector(16, rngs))
    return MODEL.add(state, key, "projector", LinenProjector(), jnp.zeros((2, 16)))


@pytest.fixture(scope="module", params=["nnx", "linen"])
def state(request):
    """A state with a projector more."""
    return with_projector(request.param)


@pytest.fixture(scope="module")
def plain():
    return MODEL.init(KEY)


APPLY = jax.jit(MODEL.apply, static_argnums=1, static_argnames="train")


def bits(tree: Any) -> list[np.ndarray]:
    keys = jax.tree.map(
        lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf, tree
    )
    return [np.asarray(leaf) for leaf in jax.tree.leaves(keys)]


def same(a: Any, b: Any) -> bool:
    return jax.tree.structure(a) == jax.tree.structure(b) and all(map(np.array_equal, bits(a), bits(b)))


def linear(state: State) -> Any:
    """The parameters of the projector's linear layer; a Linen module is one level deeper."""
    params = state.params["projector"]
    return params.get("net", params)["fc"]


def moments(state: State) -> tuple[Any, Any]:
    """The running mean and variance of the projector."""
    flat = {
        jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state.stats["projector"])
    }
    (mean,) = [leaf for path, leaf in flat.items() if "mean" in path]
    (var,) = [leaf for path, leaf in flat.items() if "var" in path]
    return mean, var


def test_a_network_is_parameters_and_what_it_carries_under_one_name(state):
    assert list(state.params) == list(state.stats) == ["features", "head", "projector"]
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(state.params["projector"]))
    assert shapes == [(5,), (5,), (5,), (16, 5)]
    assert all(isinstance(carried, Carried) for carried in state.stats.values())


def test_in_train_mode_dropout_draws_anew_and_statistics_move(state):
    first, after = APPLY(state, "projector", Z)
    second, _ = APPLY(after, "projector", Z)
    again, repeated = APPLY(state, "projector", Z)
    assert first.shape == (6, 5) and not np.array_equal(first, second)
    assert np.array_equal(first, again) and same(after, repeated)
    assert same(after.params, state.params) and same(after.stats["features"], state.stats["features"])
    assert not np.array_equal(moments(state)[0], moments(after)[0])
    np.testing.assert_allclose(np.mean(first, 0), np.zeros(5), atol=1e-5)  # of this batch's own statistics


def test_in_evaluation_mode_nothing_is_drawn_and_nothing_moves(state):
    _, moved = APPLY(state, "projector", Z)
    out, after = APPLY(moved, "projector", Z, train=False)
    fc, (mean, var) = jax.tree.map(np.asarray, (linear(moved), moments(moved)))
    hidden = np.asarray(Z) @ fc["kernel"] + fc["bias"]
    np.testing.assert_allclose(out, (hidden - mean) / np.sqrt(var + 1e-5), atol=1e-5)
    assert same(after, moved)


def test_what_is_added_inside_a_traced_function_is_there_outside(plain):
    added = jax.jit(lambda state: MODEL.add(state, jax.random.key(4), "projector", lambda rngs: Projector(16, rngs)))
    there = added(plain)
    out, _ = APPLY(there, "projector", Z)
    np.testing.assert_allclose(out, APPLY(with_projector("nnx"), "projector", Z)[0], atol=1e-6)
    assert jax.tree.structure(added(plain)) == jax.tree.structure(there)


def test_a_copy_is_its_own_network(plain):
    state = MODEL.copy(plain, "features", "teacher")
    x = jnp.ones((4, 8, 8, 1)) * jnp.arange(4.0).reshape(4, 1, 1, 1)
    _, moved = MODEL.features(state, x)
    assert not same(moved.stats["features"].values, moved.stats["teacher"].values)
    moved = moved.put_params(features=jax.tree.map(jnp.zeros_like, moved.params["features"]))
    before, _ = MODEL.features(plain, x, train=False)
    teacher, _ = MODEL.features(moved, x, net="teacher", train=False)
    np.testing.assert_allclose(teacher, before, atol=1e-6)
    renewed = MODEL.copy(moved, "features", "teacher")
    assert same(renewed.params["teacher"], moved.params["features"])
    assert same(renewed.stats["teacher"].values, moved.stats["features"].values)


def test_a_network_may_be_drawn_anew(state):
    _, moved = APPLY(state, "projector", Z)
    renewed = MODEL.renew(moved, jax.random.key(9), "projector")
    assert jax.tree.structure(renewed) == jax.tree.structure(moved)
    assert not same(linear(renewed), linear(moved))
    assert same(moments(renewed), moments(state)), "statistics begin anew"
    assert same(renewed.params["head"], moved.params["head"])
    again = MODEL.renew(moved, jax.random.key(9), "projector")
    assert same(again, renewed)
    out, _ = APPLY(renewed, "projector", Z)
    assert out.shape == (6, 5)


def test_a_copy_may_be_drawn_anew_and_stays_a_copy(plain):
    state = MODEL.renew(MODEL.copy(plain, "features", "second"), jax.random.key(3), "second")
    assert not same(state.params["second"]["fc"], plain.params["features"]["fc"])
    assert state.stats["second"].copied
    assert list(select(state, ("*",), {}, "here")) == ["features", "head"]


def test_star_leaves_copies_out_and_a_copy_is_trained_where_it_is_named(plain):
    state = MODEL.copy(plain, "features", "teacher")
    state = MODEL.add(state, jax.random.key(2), "critic", lambda rngs: nnx.Linear(16, 1, rngs=rngs))
    state = state.put_params(scale=jnp.ones(()))
    assert list(select(state, ("*",), {}, "here")) == ["features", "head", "critic", "scale"]
    assert list(select(state, ("teacher",), {}, "here")) == ["teacher"]

    def loss(state, batch, context):
        squares = [jnp.sum(leaf**2) for leaf in jax.tree.leaves(state.params)]
        return jnp.sum(jnp.stack(squares)), state, {}

    recipe = tiny_recipe().replace(weight_decay=0.1)
    for trains, still in ((("*",), {"teacher"}), (("teacher",), {"features", "head", "critic", "scale"})):
        phase = Phase((Objective(loss, trains),))
        program = Program(Where("S", "train"), {}, phase, descent(recipe, recipe.traced(), phase))
        empty: Any = None
        carry, _ = step(program, start(program, state), empty, jax.random.key(5), jnp.float32(0))
        moved = {name for name in state.params if not same(state.params[name], carry.state.params[name])}
        assert moved == set(state.params) - still


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m, s: m.add(s, KEY, "head", m.classifier()), r"'head' is there already; taken names: features, head"),
        (lambda m, s: m.add(s.put_params(w=1.0), KEY, "w", m.classifier()), r"'w' is there already"),
        (lambda m, s: m.add(s, KEY, "a/b", m.classifier()), r"network 'a/b'; expected a name without '/'"),
        (lambda m, s: m.add(s, KEY, "", m.classifier()), r"network ''; expected a name"),
        (lambda m, s: m.add(s, KEY, "p", LinenProjector()), r"'p' is a Linen module, which needs an example"),
        (lambda m, s: m.add(s, KEY, "p", 3), r"'p' is int; expected a function `rngs -> nnx.Module`"),
        (
            lambda m, s: m.add(s, KEY, "p", nnx.Linear(2, 2, rngs=nnx.Rngs(0))),
            r"'p' is Linear; expected a function `rngs -> nnx.Module`",
        ),
        (
            lambda m, s: m.add(s, KEY, "p", lambda rngs: nnx.Linear(2, rngs=rngs)),  # pyright: ignore[reportCallIssue]
            r"network 'p' cannot be made: .*out_features",
        ),
        (lambda m, s: m.add(s, KEY, "p", lambda rngs: None), r"network 'p' cannot be made: .*expected an nnx.Module"),
        (lambda m, s: m.apply(s, "critc", Z), r"there is no network 'critc'; critic\? Networks: .*critic"),
        (lambda m, s: m.apply(s, "scale", Z), r"there is no network 'scale'"),
        (lambda m, s: m.features(s, Z, net="featurs"), r"there is no network 'featurs'; features\?"),
        (lambda m, s: m.classify(s, Z, net="head2"), r"there is no network 'head2'; head\?"),
        (lambda m, s: m.copy(s, "hed", "teacher"), r"there is no network 'hed'; head\?"),
        (lambda m, s: m.copy(s, "features", "head"), r"copy of 'features': 'head' is there already, and is no copy"),
        (lambda m, s: m.renew(s, KEY, "haed"), r"there is no network 'haed'; head\?"),
    ],
)
def test_a_name_that_is_taken_or_unknown_is_named(plain, use, message):
    with pytest.raises(ContractError, match=message):
        jax.eval_shape(
            lambda state: use(
                MODEL, MODEL.add(state, KEY, "critic", MODEL.classifier()).put_params(scale=jnp.ones(()))
            ),
            plain,
        )


def test_a_linen_backbone_has_train_and_evaluation_modes():
    model = make_model(ModelSpec(lambda shape, rngs: LinenNet(), Shapes.of(np.zeros((1, 2, 2, 1), np.uint8)), 3, 3))
    state = model.init(KEY)
    x = jnp.ones((4, 2, 2, 1))
    assert model.width == 7
    first, after = model.features(state, x)
    second, _ = model.features(after, x)
    assert first.shape == (4, 7) and not np.array_equal(first, second)
    once, same_state = model.features(state, x, train=False)
    np.testing.assert_array_equal(once, model.features(after, x, train=False)[0])
    assert same(same_state, state)


class Dropping(nnx.Module):
    """Dropout by key, features as they are."""

    def __init__(self, shape, rngs):
        self.width = math.prod(shape)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(x.reshape(x.shape[0], -1))


def test_seeds_under_vmap_are_the_seeds_alone():
    """Dropout keys are data: each seed has its own masks, the same as by itself."""
    x = jax.random.normal(jax.random.key(2), (6, 8, 8, 1))

    @jax.jit
    def run(key):
        one, other = jax.random.split(key)
        model = make_model(ModelSpec(Dropping, SHAPES, 3, 3))
        first, state = model.features(model.init(one), x)
        projected = MODEL.add(MODEL.init(other), jax.random.key(4), "projector", lambda rngs: Projector(16, rngs))
        return first, model.features(state, x)[0], MODEL.apply(projected, "projector", Z)[0]

    def keys():
        return jax.random.split(jax.random.key(5), 3)

    together = jax.jit(jax.vmap(run))(keys())
    for i, key in enumerate(keys()):
        for all_of_them, one in zip(together, run(key), strict=True):
            np.testing.assert_allclose(all_of_them[i], one, atol=1e-5)
    assert not np.array_equal(together[0][0], together[0][1]) and not np.array_equal(together[0][0], together[1][0])


def test_a_structure_equals_that_of_another_of_the_same_making(plain):
    one, other = (network(each, "head").structure for each in (plain, MODEL.init(jax.random.key(7))))
    assert one == other and hash(one) == hash(other)
    assert one != network(plain, "features").structure
