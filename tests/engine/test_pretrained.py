"""Runs that start from weights: those in the first state are the given ones, as arguments of the program."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Strategy, strategy
from tlx.engine import programs
from tlx.engine.compiled import Call, count_compiled, join_runs, run, split_runs
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.pretrained import match_weights, stack_weights, weights_of
from tlx.engine.programs import Settings, Setup
from tlx.engine.train import train
from tlx.errors import WeightsError
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task


@strategy
class Plain(Strategy):
    """Cross-entropy on the source."""

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        return model.task_loss(logits, batch.source.y), state, {}


def shapes(size: int) -> Shapes:
    return Shapes.of(np.zeros((1, size, size, 1), np.uint8))


SPEC = ModelSpec(TinyBN, shapes(8), 3, 3)
SETTINGS = Settings(Plain(), tiny_recipe().traced())


def state_of(spec, seed=0):
    return make_model(spec).init(jax.random.key(seed))


def init(spec, weights, seeds=2):
    setup = Setup(spec, tiny_recipe().static(), 0)
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds, dtype=jnp.uint32))
    own = split_runs((keys, stack_weights(spec, weights) if weights else {}))
    return join_runs(run(Call(programs.init, (setup,), jax.tree.map(jnp.float32, SETTINGS), None, None, own))[0])


def leaves_equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_the_first_state_holds_the_weights_of_its_seed():
    one, two = (weights_of(SPEC, state_of(SPEC, seed)) for seed in (7, 8))
    assert set(one) == {"fc/kernel", "fc/bias", "bn/scale", "bn/bias", "bn/mean", "bn/var", "head/kernel", "head/bias"}
    state = init(SPEC, [one, two])
    for place, seed in enumerate((7, 8)):
        assert leaves_equal(
            jax.tree.map(lambda leaf, place=place: leaf[place], state.params), state_of(SPEC, seed).params
        )
    bare = init(SPEC, [])
    assert not leaves_equal(bare.params, state.params)


def test_other_weights_compile_nothing():
    init(SPEC, [weights_of(SPEC, state_of(SPEC, 1))] * 2)
    before = count_compiled()
    init(SPEC, [weights_of(SPEC, state_of(SPEC, 2))] * 2)
    assert count_compiled() == before


def test_weights_are_no_constants_of_the_program():
    setup = Setup(SPEC, tiny_recipe().static(), 0)
    weights = {path: leaf[0] for path, leaf in stack_weights(SPEC, [weights_of(SPEC, state_of(SPEC))]).items()}
    marked = {path: jnp.full_like(leaf, 123.4375) for path, leaf in weights.items()}
    program = jax.jit(programs.init, static_argnums=0)
    lowered = program.lower(setup, SETTINGS, None, None, (jax.random.key(0), marked))
    assert "123.4375" not in lowered.as_text()


def test_a_bottleneck_and_classifier_that_differ_start_anew(caplog):
    saved = weights_of(SPEC, state_of(SPEC, 3))
    deeper = dataclasses.replace(SPEC, bottleneck=7, outputs=5, known=5)
    filled, report = match_weights(deeper, saved)
    assert set(filled) == {"fc/kernel", "fc/bias", "bn/scale", "bn/bias", "bn/mean", "bn/var"}
    assert {path.split("/")[0] for path in report.reinitialised} == {"bottleneck", "head"}
    stack_weights(deeper, [saved, saved])
    assert caplog.text.count("start anew") == 1 and "head/kernel" in caplog.text
    again = weights_of(deeper, state_of(deeper))
    assert match_weights(deeper, again)[1].reinitialised == ()
    assert set(match_weights(SPEC, again)[1].reinitialised) == {"head/kernel", "head/bias"}


def test_images_of_another_size_are_named_by_the_tensor():
    with pytest.raises(
        WeightsError, match=r"'fc/kernel' has shape \(64, 16\) here; backbone TinyBN expects \(100, 16\)"
    ):
        match_weights(dataclasses.replace(SPEC, shapes=shapes(10)), weights_of(SPEC, state_of(SPEC)))


@pytest.mark.slow
def test_a_run_goes_on_from_what_another_ended_with():
    data = tiny_task()
    first = train(Plain(), TinyBN, data, tiny_recipe(), (0, 1))
    ended = [first.weights(place) for place in (0, 1)]
    still = tiny_recipe().replace(lr=0.0, weight_decay=0.0, steps=1, rounds=1)
    second = train(Plain(), TinyBN, data, still, (0, 1), weights=ended)
    for place in (0, 1):
        np.testing.assert_array_equal(second.weights(place)["fc/kernel"], ended[place]["fc/kernel"])
    assert not np.array_equal(ended[0]["fc/kernel"], ended[1]["fc/kernel"])
