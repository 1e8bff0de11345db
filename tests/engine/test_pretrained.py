"""Runs that start from weights: those in the first state are the given ones, as arguments of the program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tlx_strategies.source_only
from tlx.engine import phases
from tlx.engine.model import Frame, make_model
from tlx.engine.phases import Plan
from tlx.engine.pretrained import fitted, stacked, weights_of
from tlx.engine.program import _compiled, run
from tlx.engine.train import train
from tlx.errors import WeightsError
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

FRAME = Frame(TinyBN, (8, 8, 1), 3, 5)
STRATEGY = jax.tree.map(jnp.float32, tlx_strategies.source_only.SourceOnly())


def state_of(frame, seed=0):
    return make_model(frame).init(jax.random.key(seed))


def init(frame, weights, seeds=2):
    plan = Plan(frame, tiny_recipe().skeleton(), 0)
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds, dtype=jnp.uint32))
    return run(phases.init, (plan,), (STRATEGY,), (keys, stacked(frame, weights) if weights else {}))[0]


def leaves_equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_the_first_state_holds_the_weights_of_its_seed():
    one, two = (weights_of(FRAME, state_of(FRAME, seed)) for seed in (7, 8))
    assert set(one) == {"fc/kernel", "fc/bias", "bn/scale", "bn/bias", "bn/mean", "bn/var", "head/kernel", "head/bias"}
    state = init(FRAME, [one, two])
    for place, seed in enumerate((7, 8)):
        assert leaves_equal(
            jax.tree.map(lambda leaf, place=place: leaf[place], state.params), state_of(FRAME, seed).params
        )
    bare = init(FRAME, [])
    assert not leaves_equal(bare.params, state.params)


def test_other_weights_compile_nothing():
    init(FRAME, [weights_of(FRAME, state_of(FRAME, 1))] * 2)
    before = _compiled.cache_info().misses
    init(FRAME, [weights_of(FRAME, state_of(FRAME, 2))] * 2)
    assert _compiled.cache_info().misses == before


def test_weights_are_no_constants_of_the_program():
    plan = Plan(FRAME, tiny_recipe().skeleton(), 0)
    weights = {path: leaf[0] for path, leaf in stacked(FRAME, [weights_of(FRAME, state_of(FRAME))]).items()}
    marked = {path: jnp.full_like(leaf, 123.4375) for path, leaf in weights.items()}
    lowered = jax.jit(phases.init, static_argnums=0).lower(plan, STRATEGY, jax.random.key(0), marked)
    assert "123.4375" not in lowered.as_text()


def test_a_bottleneck_and_classifier_that_differ_start_anew(caplog):
    saved = weights_of(FRAME, state_of(FRAME, 3))
    deeper = FRAME._replace(bottleneck=7, classes=5)
    filled, report = fitted(deeper, saved)
    assert set(filled) == {"fc/kernel", "fc/bias", "bn/scale", "bn/bias", "bn/mean", "bn/var"}
    assert {path.split("/")[0] for path in report.reinitialised} == {"bottleneck", "head"}
    stacked(deeper, [saved, saved])
    assert caplog.text.count("start anew") == 1 and "head/kernel" in caplog.text
    again = weights_of(deeper, state_of(deeper))
    assert fitted(deeper, again)[1].reinitialised == ()
    assert set(fitted(FRAME, again)[1].reinitialised) == {"head/kernel", "head/bias"}


def test_images_of_another_size_are_named_by_the_tensor():
    with pytest.raises(
        WeightsError, match=r"'fc/kernel' has shape \(64, 16\) here; backbone TinyBN expects \(100, 16\)"
    ):
        fitted(FRAME._replace(shape=(10, 10, 1)), weights_of(FRAME, state_of(FRAME)))


def test_a_run_goes_on_from_what_another_ended_with():
    data = tiny_task()
    first = train(STRATEGY, TinyBN, data, tiny_recipe(), (0, 1))
    ended = [first.weights(place) for place in (0, 1)]
    still = tiny_recipe().replace(lr=0.0, weight_decay=0.0, steps=1, rounds=1)
    second = train(STRATEGY, TinyBN, data, still, (0, 1), weights=ended)
    for place in (0, 1):
        np.testing.assert_array_equal(second.weights(place)["fc/kernel"], ended[place]["fc/kernel"])
    assert not np.array_equal(ended[0]["fc/kernel"], ended[1]["fc/kernel"])
