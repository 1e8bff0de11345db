"""Critics and classifiers that play against the features."""

import dataclasses

import jax
import numpy as np

from tlx.engine.step import step
from tlx_strategies.adda import ADDA
from tlx_strategies.dann import DANN
from tlx_strategies.mcd import MCD


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def test_mcd_moves_features_alone_in_its_last_objective(engine):
    """The trap: heads that follow the features in objective C close the gap by themselves."""
    run = engine(MCD())
    before = run.enter(0)
    (phase,) = run.phases
    moved = []
    for objective in phase.objectives:
        run.phases = (phase._replace(objectives=(objective,)),)
        after = one_step(run, run.phases[0])
        moved.append({group for group in before.params if not same(before.params[group], after.params[group])})
    assert moved == [{"features", "head", "head2"}, {"head", "head2"}, {"features"}]


def test_mcd_repeats_its_last_objective(engine):
    """num_k steps of the features, not one step of num_k times the length: the optimizer's state goes along."""
    run = engine(MCD())
    run.enter(0)
    last = run.phases[0].objectives[2]
    assert last.repeat == 4
    once, four = (one_step(run, run.phases[0]._replace(objectives=(o,))) for o in (last._replace(repeat=1), last))
    ones = run
    for _ in range(4):
        ones = engine_state(ones, run.phases[0]._replace(objectives=(last._replace(repeat=1),)))
    assert not same(once.params["features"], four.params["features"])
    for a, b in zip(jax.tree.leaves(ones.state.params), jax.tree.leaves(four.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
