"""Points of a grid in the same programs: each is what it is alone, whichever way runs are dispatched."""

import jax
import numpy as np
import pytest

from tlx.engine import program
from tlx.engine.program import _compiled
from tlx.engine.train import Point, train, train_grid
from tlx.plugins import Registry
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

SEEDS = (0, 3)
ONE_STEP = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)


@pytest.fixture(scope="module")
def strategies():
    registry = Registry.load()
    return {name: registry.get("strategies", name) for name in ("dann", "shot", "tent", "mmd")}


def parts(outcome):
    """All numbers of an outcome but times."""
    numbers = [(item.metrics, item.source_logits, item.target_logits, item.observed) for item in outcome.evaluations]
    return numbers, [outcome.weights(place) for place in range(len(outcome.seeds))]


def points(strategies, recipe):
    dann = strategies["dann"]
    return [
        Point(dann(), recipe),
        Point(dann(weight=0.1), recipe.replace(lr=0.03)),
        Point(dann(gamma=3.0), recipe.replace(weight_decay=0.1)),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_on_the_cpu_a_point_is_bit_for_bit_what_it_is_alone(strategies, stream):
    data, grid = tiny_task(), points(strategies, tiny_recipe())
    sample = {"target": data.target_x[:5]}
    together = train_grid(grid, TinyBN, data, SEEDS, stream=stream, sample=sample)
    before = _compiled.cache_info().misses
    for (strategy, recipe), found in zip(grid, together, strict=True):
        alone = train(strategy, TinyBN, data, recipe, SEEDS, stream=stream, sample=sample)
        jax.tree.map(np.testing.assert_array_equal, parts(found), parts(alone))
        assert found[2:4] + found[6:8] == alone[2:4] + alone[6:8]
    assert _compiled.cache_info().misses == before
    losses = {float(outcome.evaluations[-1].metrics["loss"][0]) for outcome in together}
    assert len(losses) == len(grid)


@pytest.mark.parametrize("fits", [True, False])
def test_under_vmap_a_point_takes_the_step_that_it_takes_alone(strategies, monkeypatch, fits):
    grid = points(strategies, ONE_STEP)
    alone = [train(strategy, TinyBN, tiny_task(), recipe, SEEDS) for strategy, recipe in grid]
    monkeypatch.setattr(program, "vectorised", lambda: True)
    if not fits:
        monkeypatch.setattr(program, "memory", lambda: 0)
    made, inner = [], program._compiled
    monkeypatch.setattr(program, "_compiled", lambda form: made.append(form.at_once) or inner(form))
    together = train_grid(grid, TinyBN, tiny_task(), SEEDS)
    assert set(made) == ({6} if fits else {6, 3, 2, 1})
    for one, other in zip(together, alone, strict=True):
        got, expected = one.evaluations[-1], other.evaluations[-1]
        np.testing.assert_allclose(got.target_logits, expected.target_logits, atol=2e-5)
        np.testing.assert_allclose(got.metrics["loss"], expected.metrics["loss"], atol=2e-5)


def test_an_online_pass_takes_a_grid(strategies):
    tent, recipe = strategies["tent"], tiny_recipe()
    grid = [Point(tent(), recipe), Point(tent(), recipe.replace(lr=0.1))]
    together = train_grid(grid, TinyBN, tiny_task(), SEEDS)
    for (strategy, own), found in zip(grid, together, strict=True):
        jax.tree.map(
            np.testing.assert_array_equal, parts(found), parts(train(strategy, TinyBN, tiny_task(), own, SEEDS))
        )


def test_points_of_other_shapes_run_apart_and_keep_their_places(strategies):
    shot, mmd, recipe = strategies["shot"], strategies["mmd"], tiny_recipe()
    grid = [
        Point(shot(pretrain=0.3), recipe),
        Point(mmd(), recipe),
        Point(shot(pretrain=0.6), recipe),  # the steps of its phases differ
        Point(mmd(), recipe.replace(steps=2, rounds=1)),
        Point(mmd(weight=0.1), recipe),
    ]
    told = []
    found = train_grid(grid, TinyBN, tiny_task(), SEEDS, lambda place, progress: told.append((place, progress)))
    for place, (strategy, own) in enumerate(grid):
        heard = []
        alone = train(strategy, TinyBN, tiny_task(), own, SEEDS, heard.append)
        jax.tree.map(np.testing.assert_array_equal, parts(found[place]), parts(alone))
        assert [progress for at, progress in told if at == place] == heard
    assert train_grid([], TinyBN, tiny_task(), SEEDS) == []
