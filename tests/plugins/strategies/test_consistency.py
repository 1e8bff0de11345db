"""Self-training: what the target's views are taught, from when on, and by which teacher."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from tlx import State
from tlx.blocks.teacher import follow, with_teacher
from tlx_strategies.adamatch import AdaMatch
from tlx_strategies.dirt_t import DIRTT
from tlx_strategies.fixmatch import FixMatch
from tlx_strategies.mean_teacher import MeanTeacher
from tlx_strategies.vada import VADA


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def moved(before: State, after: State) -> set[str]:
    return {group for group in before.params if not same(before.params[group], after.params[group])}


@pytest.mark.parametrize("debias", [True, False])
def test_teacher_is_the_average_of_its_students(debias):
    """The trap: with a slow decay and few steps the average is mostly the first, random, net."""
    students = np.random.default_rng(0).normal(size=(5, 3))
    state = with_teacher(State({"w": jnp.asarray(students[0])}, {"features": {}}), debias)
    for student in students[1:]:
        state = follow(state._replace(params={"w": jnp.asarray(student)}), 0.9)
    weights = 0.1 * 0.9 ** np.arange(3, -1, -1)
    expected = weights @ students[1:]
    expected = expected / weights.sum() if debias else expected + 0.9**4 * students[0]
    np.testing.assert_allclose(state.extra["teacher"]["params"]["w"], expected, rtol=1e-5)


def test_class_balance_is_added_inside_the_weight(engine):
    run, plain = engine(MeanTeacher(threshold=0.0, balance=0.5)), engine(MeanTeacher(threshold=0.0))
    state = run.enter(0)
    keys = jax.random.split(run.key, 3)
    features, _ = run.model.features(state, run.model.augment(keys[1], run.batch().target.x, "weak"))
    mean = softmax(np.float64(run.model.logits(state, features)), 1).mean(0)
    even = -np.sum(np.log(mean) / 3 + 2 / 3 * np.log(1 - mean))
    losses = [r.measured(r.phases[0].objectives[0], state)["loss"] for r in (run, plain)]
    assert losses[0] - losses[1] == pytest.approx(3 * 0.5 * even, rel=1e-3)


def test_vada_plays_two_sides_and_keeps_the_targets_statistics(engine):
    """The traps: an encoder that helps the critic; running statistics of both domains."""
    run = engine(VADA(domain=1.0, source=0.0, target=0.0, hidden=(8,)))
    before = run.enter(0)
    critic, net = run.phases[0].objectives
    judged, adapted = run.step(critic), run.step(net)
    assert (moved(before, judged), moved(before, adapted)) == ({"critic"}, {"features", "head"})
    assert run.measured(critic, judged)["loss"] < run.measured(critic, before)["loss"]
    without = engine(VADA(domain=0.0, source=0.0, target=0.0, hidden=(8,)))
    without.enter(0)
    plain = without.step(without.phases[0].objectives[1])
    pushed = jax.tree.map(lambda b, f, w: b + f - w, *(s.params["features"] for s in (before, adapted, plain)))
    confused = before._replace(params={**before.params, "features": pushed})
    assert run.measured(critic, confused)["loss"] > run.measured(critic, before)["loss"]
    _, target_only = run.model.features(before, run.batch().target.x)
    for got, expected in zip(
        jax.tree.leaves(adapted.extra["features"]), jax.tree.leaves(target_only.extra["features"]), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_vada_scores_the_average(engine):
    run = engine(VADA(decay=0.5, hidden=(8,)))
    run.enter(0)
    after = run.round()
    teacher = after._replace(params=after.extra["teacher"]["params"])
    assert not same(teacher.params, after.params)
    x = run.batch_of_test(8)
    features, _ = run.model.features(teacher, x, train=False)
    expected = run.model.logits(teacher, features)
    np.testing.assert_allclose(run.strategy.predict(run.model, after, x), expected, rtol=1e-4, atol=1e-5)


def test_dirt_t_leaves_the_source_and_stays_near_its_last_self(engine):
    """The traps: source data in the refinement; a teacher that is never renewed, or at every step."""
    run = engine(DIRTT(hidden=(8,), decay=0.5))
    assert [phase.sees for phase in run.phases] == [{"source", "target"}, {"target"}]
    run.enter(0)
    run.round()
    entered = run.enter(1)
    assert same(entered.extra["last"]["params"], entered.extra["teacher"]["params"])
    first = run.round()
    assert moved(entered, first) == {"features", "head"}
    assert same(first.extra["last"]["params"], entered.extra["teacher"]["params"])
    second = run.round()
    assert same(second.extra["last"]["params"], first.extra["teacher"]["params"])
    assert not same(second.extra["last"]["params"], second.extra["teacher"]["params"])


def test_fixmatch_learns_from_confident_rows(engine):
    """The traps: the strong view labels itself; a mean over the confident rows only."""
    run = engine(FixMatch(threshold=0.5))
    state = run.enter(0)
    state = state._replace(params={**state.params, "head": jax.tree.map(lambda w: 4 * w, state.params["head"])})
    batch, keys = run.batch(), jax.random.split(run.key, 3)
    views = [
        run.model.augment(key, x, how)
        for key, x, how in zip(
            keys, (batch.source.x, batch.target.x, batch.target.x), ("weak", "weak", "strong"), strict=True
        )
    ]
    features, _ = run.model.features(state, jnp.concatenate(views))
    p = softmax(np.float64(run.model.logits(state, features)), 1).reshape(3, 16, 3)
    sure = p[1].max(1) >= 0.5
    assert 0 < sure.sum() < 16
    expected = -np.sum(np.log(p[2][np.arange(16), p[1].argmax(1)]) * sure) / 16
    found = run.measured(run.phases[0].objectives[0], state)
    assert found["consistency"] == pytest.approx(expected, rel=1e-3)
    assert found["task"] == pytest.approx(-np.mean(np.log(p[0][np.arange(16), batch.source.y])), rel=1e-3)
    assert FixMatch(labels="target").phases(run.model)[0].sees == {"target", "labelled"}
    assert FixMatch(labels="both").phases(run.model)[0].sees == {"source", "target", "labelled"}


def test_adamatch_by_hand(engine):
    """The traps: an absolute threshold; pseudo-labels that pass a gradient; the target's weight from the start."""
    run = engine(AdaMatch(threshold=0.9))
    state = run.enter(0)
    (objective,) = run.phases[0].objectives
    batch, keys = run.batch(), jax.random.split(run.key, 5)
    kinds = [(batch.source.x, "weak"), (batch.source.x, "strong"), (batch.target.x, "weak"), (batch.target.x, "strong")]
    views = [run.model.augment(key, *kind) for key, kind in zip(keys[:4], kinds, strict=True)]

    def logits(x):
        return np.asarray(run.model.logits(state, run.model.features(state, jnp.concatenate(x))[0]), np.float64)

    joint, mix = logits(views), np.asarray(jax.random.uniform(keys[4], (32, 3)))
    source = softmax(mix * joint[:32] + (1 - mix) * logits(views[:2]), 1)
    weak, strong = softmax(joint[32:48], 1), softmax(joint[48:], 1)
    q = weak * source[:16].mean(0) / weak.mean(0)
    q /= q.sum(1, keepdims=True)
    sure = q.max(1) >= 0.9 * source[:16].max(1).mean()
    assert 0 < sure.sum()
    task = -2 * np.mean(np.log(source[np.arange(32), np.tile(batch.source.y, 2)]))
    gap = -np.mean(sure * np.sum(q * np.log(strong), 1))
    for progress, weight in ((0.0, 0.0), (0.25, 0.5), (0.75, 1.0)):
        found = run.measured(objective, state, progress)
        assert found["loss"] == pytest.approx(task + weight * gap, rel=1e-3)
