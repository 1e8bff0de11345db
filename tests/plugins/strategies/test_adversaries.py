"""Critics and classifiers that play against the features: who goes up the game's value, and who down."""

import jax
import numpy as np

from tlx import State
from tlx_strategies.adda import ADDA
from tlx_strategies.co_da import CoDA
from tlx_strategies.dann import DANN
from tlx_strategies.mcd import MCD


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def moved(before: State, after: State) -> set[str]:
    return {group for group in before.params if not same(before.params[group], after.params[group])}


def only(group: str, before: State, after: State) -> State:
    """`before` with one group of `after`."""
    return before._replace(params={**before.params, group: after.params[group]})


def test_dann_critic_descends_and_features_ascend(engine):
    """The trap: a reversal on the wrong side, which trains critic and features together or against themselves."""
    run = engine(DANN(weight=1.0, hidden=(8,)))
    before = run.enter(0)
    (objective,) = run.phases[0].objectives

    def domain(state):
        return run.measured(objective, state)["domain"]

    task = engine(DANN(weight=0.0, hidden=(8,)))
    task.enter(0)
    full, without = run.step(objective), task.step(*task.phases[0].objectives)
    assert moved(before, without) == {"features", "head"}, "at weight 0 the critic stands still"
    assert domain(only("critic", before, full)) < domain(before)
    # what the game adds to the features' step, over what the task does
    pushed = jax.tree.map(lambda b, f, w: b + f - w, *(s.params["features"] for s in (before, full, without)))
    assert domain(before._replace(params={**before.params, "features": pushed})) > domain(before)
    assert same(full.params["head"], without.params["head"]), "the classifier takes no part in the game"


def test_mcd_heads_part_and_features_bring_them_together(engine):
    """The traps: the gap's sign; heads that follow the features in objective C and close the gap by themselves."""
    run = engine(MCD())
    before = run.enter(0)
    task, apart, together = run.phases[0].objectives

    def gap(state):
        return run.measured(apart, state)["gap"]

    after = {name: run.step(objective) for name, objective in zip("abc", (task, apart, together), strict=True)}
    assert [moved(before, after[name]) for name in "abc"] == [
        {"features", "head", "head2"},
        {"head", "head2"},
        {"features"},
    ]
    assert gap(after["c"]) < gap(before)
    without = engine(MCD(weight=0.0))
    without.enter(0)
    assert gap(after["b"]) > gap(without.step(without.phases[0].objectives[1]))
    once = run.step(together._replace(repeat=1))
    assert gap(after["c"]) < gap(once) < gap(before), "four small steps of the features go further than one"


def test_adda_critic_and_encoder_want_opposite_things(engine):
    """The trap: an encoder trained to be recognised. Each lowers its own loss; the encoder raises the critic's."""
    run = engine(ADDA(hidden=(8,)))
    run.enter(0)
    run.round()
    before = run.enter(1)
    critic, encoder = run.phases[1].objectives
    judged, confused = run.step(critic), run.step(encoder)
    assert (moved(before, judged), moved(before, confused)) == ({"critic"}, {"features"})
    assert run.measured(critic, judged)["loss"] < run.measured(critic, before)["loss"]
    assert run.measured(encoder, confused)["loss"] < run.measured(encoder, before)["loss"]
    assert run.measured(critic, confused)["loss"] > run.measured(critic, before)["loss"]


def test_co_da_networks_agree_on_classes_and_part_in_features(engine):
    """The traps: two networks that start alike and stay so; the sign of the diversity; a second net left untrained."""
    run = engine(CoDA(hidden=(8,)))
    before = run.enter(0)
    (objective,) = run.phases[0].objectives
    first, second = before.params["features"], before.params["features2"]
    assert not same(first, second) and not same(before.params["head"], before.params["head2"])
    groups = {"features", "features2", "head", "head2", "critic", "critic2"}
    assert moved(before, run.step(objective)) == groups

    def after(**settings):
        other = engine(CoDA(hidden=(8,), domain=0.0, **settings))
        other.enter(0)
        return run.measured(objective, other.step(other.phases[0].objectives[0]))

    assert after(agree=10.0, diverse=0.0)["gap"] < after(agree=0.0, diverse=0.0)["gap"]
    assert after(agree=0.0, diverse=1.0)["apart"] > after(agree=0.0, diverse=0.0)["apart"]
    still = engine(CoDA(hidden=(8,), nu=0.0))
    still.enter(0)
    assert still.measured(still.phases[0].objectives[0], before)["apart"] == 0, "nu bounds what diversity is worth"


def test_co_da_runs_each_network_by_its_own_statistics(engine):
    run = engine(CoDA(hidden=(8,)))
    run.enter(0)
    state = run.round()
    x = run.batch_of_test(16)
    both = jax.nn.softmax(run.strategy.predict(run.model, state, x))
    alone = []
    for params, extra, head in (("features", "features", "head"), ("features2", "second", "head2")):
        own = state._replace(
            params={**state.params, "features": state.params[params]},
            extra={**state.extra, "features": state.extra[extra]},
        )
        features, _ = run.model.features(own, x, train=False)
        alone.append(jax.nn.softmax(run.model.logits(own, features, head)))
    np.testing.assert_allclose(both, (alone[0] + alone[1]) / 2, rtol=1e-4)
    assert not same(state.extra["features"], state.extra["second"])
