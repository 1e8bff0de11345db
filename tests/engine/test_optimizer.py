"""Against optax's own optimizers and schedules, applied plainly."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tlx import Phase, Recipe, SettingError
from tlx.engine.optimizer import Descent, check_schedule, descent, rate, schedule, transform, update

START = jnp.float32(0.0)  # where every schedule is 1
RECIPE = Recipe(lr=0.05, weight_decay=0.01, momentum=0.8)


def made(learning_rate: float) -> optax.GradientTransformation:
    """An optimizer of a third party's: half of the gradient's sign."""
    return optax.chain(optax.scale_by_sign(), optax.scale(-0.5 * learning_rate))


MADE = f"{__name__}:made"
PEERS: dict[str, tuple[Recipe, Any]] = {
    "sgd": (RECIPE, optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.05, momentum=0.8, nesterov=True))),
    "adam": (RECIPE, optax.chain(optax.add_decayed_weights(0.01), optax.adam(0.05))),
    "adamw": (RECIPE, optax.adamw(0.05, weight_decay=0.01)),
    "lion": (RECIPE.replace(beta2=0.99), optax.lion(0.05, b1=0.9, b2=0.99, weight_decay=0.01)),
    "rmsprop": (
        RECIPE.replace(options={"decay": 0.8, "centered": True}),
        optax.chain(optax.add_decayed_weights(0.01), optax.rmsprop(0.05, decay=0.8, centered=True)),
    ),
    MADE: (RECIPE, optax.chain(optax.add_decayed_weights(0.01), optax.scale_by_sign(), optax.scale(-0.025))),
}


@pytest.fixture(autouse=True)
def plain_promotion():
    """As optax itself is written."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def of(recipe: Recipe, phase: str = "train", lr: float | None = None) -> Descent:
    traced = recipe.traced() if lr is None else {**recipe.traced(), "lr": lr}
    return Descent(recipe, traced, phase, 1.0)


@pytest.mark.parametrize("name", PEERS, ids=lambda name: name.partition(":")[2] or name)
def test_three_steps_are_those_of_optax(name):
    recipe, peer = PEERS[name]
    how = of(recipe.replace(optimizer=name))
    ours = {"a/kernel": jnp.array([1.0, -2.0]), "a/bias": jnp.array([0.5])}
    theirs: Any = ours
    state, other = transform(how.recipe, how.traced).init(ours), peer.init(theirs)
    for turn in range(3):
        grads = jax.tree.map(lambda p, turn=turn: jnp.sin(p + turn), ours)
        ours, state = update(how, START, grads, state, ours)
        moves, other = peer.update(grads, other, theirs)
        theirs = optax.apply_updates(theirs, moves)
    for path, leaf in ours.items():
        np.testing.assert_allclose(leaf, theirs[path], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "sdg"}, r"recipe 'mine': optax has no optimizer 'sdg'; nearest: sgd"),
        ({"optimizer": "chain"}, r"recipe 'mine': optax has no optimizer 'chain'"),
        ({"optimizer": "no_such_module:made"}, r"optimizer 'no_such_module:made': No module named"),
        ({"optimizer": "optax:adamm"}, r"optimizer 'optax:adamm': .*no attribute 'adamm'"),
        ({"schedule": "cosin"}, r"recipe 'mine': schedule 'cosin': optax has no such schedule; nearest: cosine"),
        ({"schedule": "exponential_deca"}, r"nearest: exponential_decay"),
        ({"schedule": "exponential_decay"}, r"schedule 'exponential_decay': .*'decay_rate'"),
        ({"rates": [("*", 1, "linear")]}, r"schedule 'linear': optax has no such schedule"),
    ],
)
def test_a_name_that_optax_lacks_is_named(changes, message):
    recipe = Recipe(name="mine").replace(**changes)
    with pytest.raises(SettingError, match=message):
        descent(recipe, recipe.traced(), Phase())


def test_an_option_that_the_optimizer_does_not_take_is_named():
    recipe = Recipe(name="mine", optimizer="adam", options=(("decay", 0.9),))
    with pytest.raises(SettingError, match="recipe 'mine': optimizer 'adam': .*'decay'"):
        transform(recipe, recipe.traced())


def test_a_phase_overrides_the_recipe():
    """A float may be a setting, and so traced; what it leaves out is the run's."""
    recipe = Recipe(optimizer="sgd", lr=0.1, beta1=0.9, weight_decay=0.01, schedule="constant")
    params, grads = {"w": jnp.array([1.0, -1.0])}, {"w": jnp.array([0.3, 0.1])}

    @jax.jit
    def moved(lr):
        phase = Phase(recipe={"optimizer": "adamw", "beta1": 0.5, "lr": lr}, rate=2.0)
        how = descent(recipe, recipe.traced(), phase)
        return update(how, START, grads, transform(how.recipe, how.traced).init(params), params)[0]

    peer = optax.adamw(2 * 0.03, b1=0.5, weight_decay=0.01)
    moves, _ = peer.update(grads, peer.init(params), params)
    expected: Any = optax.apply_updates(params, moves)
    np.testing.assert_allclose(moved(0.03)["w"], expected["w"], rtol=1e-5)
    clipped = descent(recipe, recipe.traced(), Phase(recipe={"clip": 0.5}))
    assert clipped.recipe.clip == 1.0 and clipped.traced["clip"] == 0.5, "whether it clips shapes the program"
    with pytest.raises(SettingError, match="unknown recipe field 'optimiser'; nearest: optimizer"):
        descent(recipe, recipe.traced(), Phase(recipe={"optimiser": "adam"}))
    with pytest.raises(SettingError, match="phase train: its recipe has dtype, steps, which a whole run has but once"):
        descent(recipe, recipe.traced(), Phase(recipe={"steps": 9, "dtype": "bfloat16"}))


def test_a_recipe_overrides_phases_by_name():
    """The test-time step of a paper is Adam's, after a source that SGD trained."""
    recipe = Recipe(lr=0.1, schedule="cosine").replace(phases={"test": {"optimizer": "adam", "lr": 0.001}})
    source, test = (descent(recipe, recipe.traced(), Phase(name=name)) for name in ("source", "test"))
    assert (source.recipe.optimizer, source.traced["lr"]) == ("sgd", 0.1)
    assert (test.recipe.optimizer, test.traced["lr"], test.recipe.schedule) == ("adam", 0.001, "cosine")
    own = descent(recipe, recipe.traced(), Phase(name="test", recipe={"optimizer": "lion", "beta1": 0.5}))
    assert (own.recipe.optimizer, own.traced["beta1"]) == ("adam", 0.5)
    with pytest.raises(SettingError, match="phase test: its recipe has rounds, which a whole run has but once"):
        descent(recipe.replace(phases={"test": {"rounds": 2}}), recipe.traced(), Phase(name="test"))


def test_clip_bounds_the_global_norm():
    recipe = RECIPE.replace(clip=1.0, momentum=0.0, weight_decay=0.0, nesterov=False)
    params = {"a": jnp.zeros(2), "b": jnp.zeros(1)}
    how = of(recipe, lr=1.0)
    state = transform(recipe, how.traced).init(params)
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([4.0])}
    moved, _ = update(how, START, grads, state, params)
    np.testing.assert_allclose(np.concatenate([moved["a"], moved["b"]]), [-0.6, 0.0, -0.8], rtol=1e-6)


def test_cosine_falls_sooner_than_that_of_adamatchs_code():
    """There cos(p arccos(1/4)), which ends at a quarter and has 0.79 half way."""
    recipe = Recipe()
    found = [float(schedule("cosine", recipe, recipe.traced(), jnp.float32(p))) for p in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)
    assert np.cos(np.arccos(0.25) * np.array([0.0, 0.5, 1.0])) == pytest.approx([1.0, 0.7906, 0.25], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", lambda p: 1.0),
        ("inverse", lambda p: (1 + 10 * p) ** -0.75),
        ("cosine", lambda p: 0.5 * (1 + np.cos(np.pi * p))),
    ],
)
def test_schedules(name, expected):
    recipe = Recipe()
    for p in (0.0, 0.3, 1.0):
        np.testing.assert_allclose(schedule(name, recipe, recipe.traced(), jnp.float32(p)), expected(p), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "theirs"),
    [
        ("exponential_decay", {"decay_rate": 0.1}, {"init_value": 1.0, "transition_steps": 1000, "decay_rate": 0.1}),
        (
            "exponential_decay",
            {"decay_rate": 0.5, "transition_steps": 0.25, "staircase": True, "transition_begin": 0.1},
            {"init_value": 1.0, "transition_steps": 250, "decay_rate": 0.5, "staircase": True, "transition_begin": 100},
        ),
        (
            "linear_schedule",
            {"end_value": 0.2, "transition_steps": 0.5},
            {"init_value": 1.0, "end_value": 0.2, "transition_steps": 500},
        ),
        ("cosine_decay_schedule", {"alpha": 0.1}, {"init_value": 1.0, "decay_steps": 1000, "alpha": 0.1}),
        (
            "polynomial_schedule",
            {"end_value": 0.0, "power": 2.0},
            {"init_value": 1.0, "end_value": 0.0, "power": 2.0, "transition_steps": 1000},
        ),
        (
            "warmup_cosine_decay_schedule",
            {"warmup_steps": 0.2},
            {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 200, "decay_steps": 1000},
        ),
    ],
)
def test_schedules_of_optax_over_a_phase_of_a_thousand_steps(name, options, theirs):
    """The trap: numbers of steps are shares of the phase, whatever its length; a warm-up begins at 0."""
    recipe = Recipe(schedule=name, schedule_options=options)  # pyright: ignore[reportArgumentType]
    check_schedule(name, recipe)
    peer = getattr(optax.schedules, name)(**theirs)
    for step in (0, 1, 99, 101, 300, 499, 501, 777, 1000):
        got = schedule(name, recipe, recipe.traced(), jnp.float32(step / 1000))
        np.testing.assert_allclose(got, peer(step), rtol=1e-4, atol=1e-6)
    warm = recipe.replace(warmup=0.5)
    half = schedule(name, warm, warm.traced(), jnp.float32(0.25))
    np.testing.assert_allclose(half, 0.5 * peer(250), rtol=1e-4)


def test_every_optimizer_of_optax_that_takes_a_learning_rate_may_be_named():
    """But for those whose further arguments have no default, or that need the loss itself."""
    params = {"w": jnp.ones((2, 2))}
    for name in ("adagrad", "lamb", "nadamw"):
        assert "learning_rate" in inspect.signature(getattr(optax, name)).parameters
        how = of(Recipe(optimizer=name, lr=0.1))
        moved, _ = update(how, START, params, transform(how.recipe, how.traced).init(params), params)
        assert np.isfinite(moved["w"]).all() and not np.array_equal(moved["w"], params["w"])


def bit(step: int, supports: list[int]) -> float:
    """The rule of BiT-HyperRule: a linear rise to the first support, then a tenth at each of the others."""
    return step / supports[0] if step < supports[0] else 0.1 ** sum(step >= support for support in supports[1:])


STEP = {"schedule": "step", "gamma": 0.1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({**STEP, "gamma": 0.5, "power": 4.0}, lambda p: 0.5 ** np.floor(4 * p)),
        ({**STEP, "power": 5.0, "warmup": 0.2}, lambda p: bit(round(500 * p), [100, 200, 300, 400])),
        ({**STEP, "power": 10 / 3, "warmup": 0.05}, lambda p: bit(round(10_000 * p), [500, 3000, 6000, 9000])),
        ({"schedule": "constant", "warmup": 0.4}, lambda p: min(p / 0.4, 1)),
        (
            {"schedule": "cosine", "warmup": 0.2},
            lambda p: p / 0.2 if p < 0.2 else 0.5 * (1 + np.cos(np.pi * (p - 0.2) / 0.8)),
        ),
        # Keras' decay of 0.01 over 100 steps
        ({"schedule": "inverse", "gamma": 1.0, "power": 1.0}, lambda p: 1 / (1 + 0.01 * round(100 * p))),
    ],
)
def test_steps_and_warm_up(changes, expected):
    """The trap: a drop at a rounding error's distance from where it should be."""
    recipe = Recipe(**changes)
    for p in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 0.99):
        np.testing.assert_allclose(
            schedule(recipe.schedule, recipe, recipe.traced(), jnp.float32(p)), expected(p), rtol=1e-4, atol=1e-6
        )


def test_the_first_rate_that_fits_counts():
    recipe = Recipe(rates=(("adapt/features/*", 0.1), ("*/head/*", 2.0)))
    assert rate(recipe, "adapt", "features/conv/kernel") == (0.1, "inverse")
    assert rate(recipe, "source", "features/conv/kernel") == (1.0, "inverse")
    assert rate(recipe, "source", "head/bias") == (2.0, "inverse")


def test_an_adversary_may_keep_its_learning_rate():
    """The trap: CDAN's authors decay the rate of the network alone."""
    recipe = Recipe(rates=(("*/critic/*", 3.0, "constant"),), momentum=0.0, nesterov=False, weight_decay=0.0)
    params = {"features/w": jnp.zeros(1), "critic/w": jnp.zeros(1)}
    how = of(recipe, lr=0.1)
    state = transform(recipe, how.traced).init(params)
    grads = {path: jnp.ones(1) for path in params}
    moved, _ = update(how, jnp.float32(1.0), grads, state, params)
    np.testing.assert_allclose(moved["critic/w"], -0.3, rtol=1e-6)
    np.testing.assert_allclose(moved["features/w"], -0.1 * 11**-0.75, rtol=1e-6)


def test_rates_of_a_phase_multiply_those_of_the_recipe():
    recipe = Recipe(rates=(("*/features/*", 0.5),), momentum=0.0, nesterov=False, weight_decay=0.0, lr=0.1)
    phase = Phase(rates=(("features/a|features/b", 3.0), ("features/*", 7.0)), rate=2.0)
    how = descent(recipe, recipe.traced(), phase)
    params = {path: jnp.zeros(()) for path in ("features/a", "features/c", "head/w")}
    grads = {path: jnp.ones(()) for path in params}
    moved, _ = update(how, START, grads, transform(recipe, how.traced).init(params), params)
    expected = {"features/a": -0.1 * 2 * 0.5 * 3, "features/c": -0.1 * 2 * 0.5 * 7, "head/w": -0.1 * 2}
    for path, value in expected.items():
        np.testing.assert_allclose(moved[path], value, rtol=1e-6)
