"""Strategies with a program of their own, in the engine: whose parameters move, how often, and on what."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError
from tlx.engine.feed import normalise
from tlx.ops import random_directions, sliced_wasserstein
from tlx_strategies.adabn import AdaBN
from tlx_strategies.swd import SWD
from tlx_strategies.wdgrl import WDGRL


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def test_wdgrl_critic_goes_up_the_distance_and_the_features_down(engine):
    """The traps: the critic's sign, one critic step in place of five, a critic that moves with the features."""
    run = engine(WDGRL(hidden=(8,)))
    before = run.enter(0)
    critic, align = run.phases[0].objectives
    assert (critic.trains, critic.repeat, align.trains) == (("critic",), 5, ("features", "head"))
    judged, aligned = run.step(critic), run.step(align)
    assert same(before.params["features"], judged.params["features"]) and same(before.extra, judged.extra)
    assert same(before.params["critic"], aligned.params["critic"])
    assert run.measured(critic, judged)["distance"] > run.measured(critic, before)["distance"]
    one = run.step(critic._replace(repeat=1))
    losses = [run.measured(critic, state)["loss"] for state in (judged, one, before)]
    assert losses == sorted(losses), "five steps go further than one"
    task = engine(WDGRL(weight=0.0, hidden=(8,)))
    task.enter(0)
    without = task.step(task.phases[0].objectives[1])
    pushed = jax.tree.map(lambda b, f, w: b + f - w, *(s.params["features"] for s in (before, aligned, without)))
    moved = before._replace(params={**before.params, "features": pushed})
    assert run.measured(critic, moved)["distance"] < run.measured(critic, before)["distance"]


def test_swd_is_mcd_with_another_gap(engine):
    run = engine(SWD(projections=7))
    before = run.enter(0)
    task, apart, together = run.phases[0].objectives
    assert [o.trains for o in (task, apart, together)] == [("*",), ("head", "head2"), ("features",)]
    z, _ = run.model.features(before, np.concatenate([run.batch().source.x, run.batch().target.x]))
    p, q = (jax.nn.softmax(run.model.logits(before, z[16:], head)) for head in ("head", "head2"))
    expected = sliced_wasserstein(p, q, random_directions(run.key, 3, 7))
    assert run.measured(apart, before)["gap"] == pytest.approx(float(expected), rel=1e-4)
    assert run.measured(apart, run.step(together))["gap"] < run.measured(apart, before)["gap"]


def test_adabn_takes_the_targets_statistics_and_moves_no_parameter(engine):
    """The traps: statistics that are still partly the source's; weights that weight decay moves at a rate of 0."""
    run = engine(AdaBN(share=0.5))
    run.enter(0)
    run.round()
    before = run.enter(1)
    assert run.phases[1].rate == 0
    one = run.step(*run.phases[1].objectives)
    dense = before.params["features"]["fc"]
    h = np.float64(run.batch().target.x.reshape(16, -1) @ dense["kernel"] + dense["bias"])
    np.testing.assert_allclose(one.extra["features"]["bn"]["mean"], h.mean(0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(one.extra["features"]["bn"]["var"], h.var(0), rtol=1e-3, atol=1e-4)
    after = run.round(steps=12, total=12)
    assert same(before.params, after.params)
    every = normalise(run.feed, jnp.asarray(run.data.target_x))
    h = np.float64(every.reshape(len(every), -1) @ dense["kernel"] + dense["bias"])
    found, source = after.extra["features"]["bn"]["mean"], before.extra["features"]["bn"]["mean"]
    assert np.abs(found - h.mean(0)).max() < 0.2 * np.abs(source - h.mean(0)).max(), "by 12 batches, as the population"


def test_adabn_needs_a_norm():
    strategy = AdaBN()
    state = type("State", (), {"extra": {"features": {"dropout": np.array([1, 2], np.uint32)}}})
    phase = strategy.phases(None)[1]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ContractError, match="AdaBN: the backbone has no batch-norm"):
        phase.begin(state, None)  # pyright: ignore[reportArgumentType]
