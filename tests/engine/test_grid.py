"""Points of a grid in the same programs: each is what it is alone, whichever way runs are dispatched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Strategy, strategy
from tlx.engine import compiled
from tlx.engine.train import Options, Point, train, train_grid
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.mmd import MMD
from tlx_strategies.shot import SHOT
from tlx_strategies.tent import TENT

pytestmark = pytest.mark.slow

SEEDS = (0, 3)
ONE_STEP = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)
TASK = tiny_task()


def parts(outcome):
    """All numbers of an outcome but times."""
    numbers = [(item.metrics, item.source_logits, item.target_logits, item.observed) for item in outcome.evaluations]
    return numbers, [outcome.weights(place) for place in range(len(outcome.seeds))]


def facts(outcome):
    return outcome.seeds, outcome.diverged, outcome.steps, outcome.device, outcome.sees


@strategy
class Ramp(Strategy):
    """Cross-entropy on the source, and features of the target made small as training goes on: two floats."""

    weight: float = 1.0
    gamma: float = 10.0

    def loss(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        others, state = model.features(state, batch.target.x)
        small = self.weight * (1 - jnp.exp(-self.gamma * context.progress)) * jnp.square(others).mean()
        return model.task_loss(logits, batch.source.y) + small, state, {"noise": jax.random.normal(context.key)}


def points(recipe):
    return [
        Point(Ramp(), recipe),
        Point(Ramp(weight=0.1), recipe.replace(lr=0.03)),
        Point(Ramp(gamma=3.0), recipe.replace(weight_decay=0.1)),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_on_the_cpu_a_point_is_bit_for_bit_what_it_is_alone(stream):
    grid, how = points(tiny_recipe()), {"stream": stream, "probe": {"target": TASK.target.x[:5]}}
    together = train_grid(grid, TinyBN, TASK, SEEDS, Options(**how))
    before = compiled.count_compiled()
    for (made, recipe), got in zip(grid, together, strict=True):
        alone = train(made, TinyBN, TASK, recipe, SEEDS, **how)
        jax.tree.map(np.testing.assert_array_equal, parts(got), parts(alone))
        assert facts(got) == facts(alone)
    assert compiled.count_compiled() == before
    losses = {float(outcome.evaluations[-1].metrics["loss"][0]) for outcome in together}
    assert len(losses) == len(grid)


@pytest.mark.slow
@pytest.mark.parametrize("fits", [True, False])
def test_under_vmap_a_point_takes_the_step_that_it_takes_alone(monkeypatch, fits):
    grid = points(ONE_STEP)
    alone = [train(made, TinyBN, TASK, recipe, SEEDS) for made, recipe in grid]
    monkeypatch.setattr(compiled, "vectorised", lambda: True)
    if not fits:
        monkeypatch.setattr(compiled, "memory", lambda: 0)
    made, inner = [], compiled._compiled
    monkeypatch.setattr(compiled, "_compiled", lambda form: made.append(form.at_once) or inner(form))
    together = train_grid(grid, TinyBN, TASK, SEEDS)
    assert set(made) == ({6} if fits else {6, 3, 2, 1})
    for one, other in zip(together, alone, strict=True):
        got, expected = one.evaluations[-1], other.evaluations[-1]
        np.testing.assert_allclose(got.target_logits, expected.target_logits, atol=2e-5)
        np.testing.assert_allclose(got.metrics["loss"], expected.metrics["loss"], atol=2e-5)


def test_an_online_pass_takes_a_grid():
    recipe = tiny_recipe()
    grid = [Point(TENT(), recipe), Point(TENT(), recipe.replace(lr=0.1))]
    together = train_grid(grid, TinyBN, TASK, SEEDS)
    for (made, own), got in zip(grid, together, strict=True):
        jax.tree.map(np.testing.assert_array_equal, parts(got), parts(train(made, TinyBN, TASK, own, SEEDS)))


def test_points_of_other_shapes_run_apart_and_keep_their_places():
    recipe = tiny_recipe()
    grid = [
        Point(SHOT(pretrain=0.3), recipe),
        Point(MMD(), recipe),
        Point(SHOT(pretrain=0.6), recipe),  # the steps of its phases differ
        Point(MMD(), recipe.replace(steps=2, rounds=1)),
        Point(MMD(weight=0.1), recipe),
    ]
    every = []
    how = Options(on_round=lambda place, progress: every.append((place, progress)))
    together = train_grid(grid, TinyBN, TASK, SEEDS, how)
    for place, (made, own) in enumerate(grid):
        heard = []
        alone = train(made, TinyBN, TASK, own, SEEDS, on_round=lambda _, progress, heard=heard: heard.append(progress))
        jax.tree.map(np.testing.assert_array_equal, parts(together[place]), parts(alone))
        assert [progress for at, progress in every if at == place] == heard
    assert train_grid([], TinyBN, TASK, SEEDS) == []
