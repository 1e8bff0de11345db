"""Against optax's own optimizers, applied plainly."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tlx import Recipe
from tlx.engine.optimizer import rate, schedule, transform, update

START = jnp.float32(0.0)  # where every schedule is 1
RECIPE = Recipe(lr=0.05, weight_decay=0.01, momentum=0.8)
PEERS = {
    "sgd": optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.05, momentum=0.8, nesterov=True)),
    "adam": optax.chain(optax.add_decayed_weights(0.01), optax.adam(0.05)),
    "adamw": optax.adamw(0.05, weight_decay=0.01),
}


@pytest.mark.parametrize("name", PEERS)
def test_three_steps_are_those_of_optax(name):
    recipe = RECIPE.replace(optimizer=name)
    ours = {"a/kernel": jnp.array([1.0, -2.0]), "a/bias": jnp.array([0.5])}
    theirs: Any = ours
    state, peer = transform(recipe, recipe.hyper()).init(ours), PEERS[name].init(theirs)
    for turn in range(3):
        grads = jax.tree.map(lambda p, turn=turn: jnp.sin(p + turn), ours)
        ours, state = update(recipe, recipe.hyper(), "train", jnp.float32(0.05), START, grads, state, ours)
        moves, peer = PEERS[name].update(grads, peer, theirs)
        theirs = optax.apply_updates(theirs, moves)
    for path, leaf in ours.items():
        np.testing.assert_allclose(leaf, theirs[path], rtol=1e-5)


def test_clip_bounds_the_global_norm():
    recipe = RECIPE.replace(clip=1.0, momentum=0.0, weight_decay=0.0, nesterov=False)
    params = {"a": jnp.zeros(2), "b": jnp.zeros(1)}
    state = transform(recipe, recipe.hyper()).init(params)
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([4.0])}
    moved, _ = update(recipe, recipe.hyper(), "train", jnp.float32(1.0), START, grads, state, params)
    np.testing.assert_allclose(np.concatenate([moved["a"], moved["b"]]), [-0.6, 0.0, -0.8], rtol=1e-6)


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
        np.testing.assert_allclose(schedule(name, recipe.hyper(), jnp.float32(p)), expected(p), atol=1e-6)


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
            schedule(recipe.schedule, recipe.hyper(), jnp.float32(p)), expected(p), rtol=1e-4, atol=1e-6
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
    state = transform(recipe, recipe.hyper()).init(params)
    grads = {path: jnp.ones(1) for path in params}
    moved, _ = update(recipe, recipe.hyper(), "train", jnp.float32(0.1), jnp.float32(1.0), grads, state, params)
    np.testing.assert_allclose(moved["critic/w"], -0.3, rtol=1e-6)
    np.testing.assert_allclose(moved["features/w"], -0.1 * 11**-0.75, rtol=1e-6)
