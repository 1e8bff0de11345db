"""Two phases: what moves in the second, what stays, and whose batch-norm statistics they are."""

import functools
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tlx import Batch, Context, Labelled, Objective, Phase, SettingError, State
from tlx.data import TaskData
from tlx.engine.feed import normalise
from tlx.engine.phases import INIT
from tlx.engine.train import train
from tlx.ops import centroid_labels
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.adda import ADDA
from tlx_strategies.feature_extraction import FeatureExtraction
from tlx_strategies.fine_tune import FineTune
from tlx_strategies.l2_sp import L2SP
from tlx_strategies.shot import SHOT
from tlx_strategies.shot_im import augmented

FROZEN: dict[str, Any] = {"norm": "frozen"}
SLOW: dict[str, Any] = {"decay": 0.5}


@functools.cache
def alone() -> TaskData:
    """The tiny task without its source."""
    data = tiny_task()
    none = type(data.source)(*(column[:0] for column in data.source))
    return data._replace(source=none, source_val=none)


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def moved(before: State, after: State) -> set[str]:
    """The names of the layers whose parameters differ."""
    old, new = ({**state.params["features"], "head": state.params["head"]} for state in (before, after))
    return {name for name in old if not same(old[name], new[name])}


def trained_on_source(engine, strategy):
    run = engine(strategy)
    run.enter(0)
    run.round()
    return run


def test_feature_extraction_leaves_weights_and_statistics(engine):
    """The trap: batch norm in train mode under frozen weights: the statistics drift to the target."""
    run = trained_on_source(engine, FeatureExtraction(strengths=(0.01,)))
    trained = run.state
    entered = run.enter(1)
    assert run.phases[1].share == 0 and not np.any(entered.params["probe"]["kernel"])
    after = run.round(steps=0, total=0)
    assert moved(entered, after) == set() and same(after.extra["features"], trained.extra["features"])
    rows = run.data.labelled
    x = normalise(run.feed, rows.x)
    features, _ = run.model.features(trained, x, train=False)
    peer = LogisticRegression(C=1 / (0.01 * len(rows.y)), tol=1e-8, max_iter=1000).fit(features, rows.y)
    assert after.extra["strength"] == np.float32(0.01)
    np.testing.assert_allclose(after.params["probe"]["kernel"].T, peer.coef_, atol=2e-3)
    logits = run.strategy.predict(run.model, after, x)
    np.testing.assert_allclose(jax.nn.softmax(logits), peer.predict_proba(features), atol=1e-3)


def test_feature_extraction_begins_with_the_weights_that_are_given():
    """The trap: a source phase of no steps, which a task without a source refuses."""
    outcomes = {
        streamed: train(FeatureExtraction(pretrain=0), TinyBN, alone(), tiny_recipe(), (0, 1), stream=streamed)
        for streamed in (False, True)
    }
    for outcome in outcomes.values():
        (evaluation,) = outcome.evaluations
        assert outcome.sees == ("labelled",) and outcome.steps == 0 and evaluation.source_logits.shape == (2, 0, 3)
    # other sums in another order, and then a fit to them
    one, other = (outcome.evaluations[0].target_logits for outcome in outcomes.values())
    assert (one.argmax(-1) == other.argmax(-1)).mean() > 0.95 and (one.argmax(-1) == alone().test_y).mean() > 0.8


@pytest.mark.parametrize(
    ("settings", "phases"),
    [
        ({"trains": ("features/bn/*",)}, [{"bn"}]),
        ({"last": 1}, [{"bn", "head"}]),
        ({"last": 9}, [{"fc", "bn", "head"}]),
        ({"gradual": True}, [{"head"}, {"bn", "head"}, {"fc", "bn", "head"}]),
        ({"gradual": True, "last": 1}, [{"head"}, {"bn", "head"}]),
    ],
)
def test_fine_tune_moves_stages_from_the_last(engine, settings, phases):
    """The trap: stages in the order of their names, which begins with bn."""
    run = engine(FineTune(pretrain=0, rate=1.0, **settings), alone())
    assert run.model.stages == ("features/fc/*", "features/bn/*") and len(run.phases) == len(phases)
    assert sum(phase.share for phase in run.phases) == pytest.approx(1)
    for number, names in enumerate(phases):
        entered = run.enter(number)
        assert moved(entered, run.round()) == names


def test_fine_tune_slows_deeper_stages_and_may_hold_the_statistics(engine):
    """decay^depth: head 1, bn 0.5, fc 0.25 of the step without it, from one state."""
    tuned = [FineTune(pretrain=0, rate=1.0, **settings) for settings in ({}, SLOW, FROZEN)]
    plain, slow, held = (engine(strategy, alone()) for strategy in tuned)
    before = plain.enter(0)
    steps = []
    for run in (plain, slow):
        run.enter(0)
        after = run.step(*run.phases[0].objectives)
        steps.append(jax.tree.map(lambda new, old: new - old, after.params, before.params))
    depths = {("head", "kernel"): 0, ("features", "bn", "scale"): 1, ("features", "fc", "kernel"): 2}
    for path, depth in depths.items():
        full, part = (functools.reduce(lambda tree, name: tree[name], path, tree) for tree in steps)
        np.testing.assert_allclose(part, 0.5**depth * full, rtol=1e-3, atol=1e-7)
    held.enter(0)
    assert same(held.round().extra, before.extra) and not same(plain.round().extra, before.extra)


def test_fine_tune_draws_anew_what_it_is_told(engine):
    run = trained_on_source(engine, FineTune(reinit=("features/bn/*", "head/*")))
    trained = run.state
    entered = run.enter(1)
    assert moved(trained, entered) == {"bn", "head"}
    assert not np.any(entered.extra["features"]["bn"]["mean"]) and np.any(trained.extra["features"]["bn"]["mean"])
    wrong = trained_on_source(engine, FineTune(reinit=("features/conv*",)))
    with pytest.raises(SettingError, match=r"'features/conv\*' fits no parameter .* features/bn/bias, .*head/kernel"):
        wrong.enter(1)


def test_l2_sp_is_drawn_to_the_weights_that_are_given(engine):
    run = engine(L2SP(pretrain=0, last=1, norm="frozen"), alone())
    entered = run.enter(0)
    assert same(entered.extra["origin"], run.model.init(jax.random.fold_in(run.key, INIT)).params["features"])
    after = run.round()
    assert moved(entered, after) == {"bn", "head"} and same(after.extra, entered.extra)


def test_fine_tune_moves_the_groups_it_is_told_and_keeps_the_head(engine):
    """The traps: a head begun anew, as in feature extraction; a group by glob that moves its neighbours too."""
    run = trained_on_source(engine, FineTune(trains=("last", "head")))
    trained = run.state
    entered = run.enter(1)
    assert moved(trained, entered) == set()
    assert moved(entered, run.round()) == {"fc", "head"}


def test_adda_keeps_the_source_encoder_with_its_statistics(engine):
    """The trap: the source encoder run in train mode, so that its statistics are those of the batch."""
    run = trained_on_source(engine, ADDA(hidden=(4,)))
    trained = run.state
    assert "critic" not in trained.params
    entered = run.enter(1)
    assert same(entered.extra["source"]["params"], trained.params["features"])
    assert entered.params["critic"]["layer0"]["kernel"].shape[0] == len(run.data.classes), "the critic judges logits"
    after = run.round()
    assert moved(entered, after) == {"fc", "bn"}
    assert same(after.extra["source"], entered.extra["source"])
    assert not same(after.extra["features"], entered.extra["features"]), "the target encoder has statistics of its own"
    assert not same(after.params["critic"], entered.params["critic"])


def test_shot_labels_anew_before_every_round(engine):
    """The traps: labels computed once; labels of another state than the one at the start of the round."""
    run = trained_on_source(engine, SHOT())
    run.enter(1)
    x = normalise(run.feed, run.feed.tables["target"].x[: run.model.rows])
    banks = []
    for _ in range(2):
        features, _ = run.model.features(run.state, x, train=False)
        expected = centroid_labels(features, run.model.logits(run.state, features))
        banks.append(np.asarray(run.round().extra["labels"]))
        np.testing.assert_array_equal(banks[-1], expected)
        # classes exchanged between the rounds: the labels must follow
        head = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, -1), run.state.params["head"])
        run.state = run.state._replace(params={**run.state.params, "head": head})
        run.carry = run.carry._replace(state=run.state)
    assert not np.array_equal(*banks)


def test_shot_has_no_source_to_read_in_its_second_phase(engine):
    """The traps: source data in a source-free phase; a hypothesis (the head) that moves."""
    run = trained_on_source(engine, SHOT())
    entered = run.enter(1)
    source = run.feed.tables["source"]
    run.feed = run.feed._replace(tables={**run.feed.tables, "source": source._replace(x=source.x * 0, y=source.y * 0)})
    without = run.round()
    assert moved(entered, without) == {"fc", "bn"}
    again = trained_on_source(engine, SHOT())
    again.enter(1)
    assert same(again.round(), without)


def test_shot_augments_source_images_by_the_weak_policy():
    """The traps: labels that are augmented away; the strong policy."""

    def loss(state: Any, batch: Any, context: Any) -> Any:
        return batch.source

    model: Any = SimpleNamespace(augment=lambda key, x, strength: x + 2.0 * (strength == "weak"))
    phase = augmented(model, Phase((Objective(loss, ("features",)),), name="source", share=0.5))
    source = Labelled(jnp.ones((3, 2)), jnp.arange(3), jnp.zeros(3, jnp.int32))
    (objective,) = phase.objectives
    unseen: Any = None
    batch, context = Batch(source, unseen, unseen), Context(jax.random.key(0), jnp.float32(0))
    seen: Any = objective.loss(State({}, {}), batch, context)
    assert (phase.name, phase.share, objective.trains) == ("source", 0.5, ("features",))
    assert (seen.x == 3).all() and same(seen.y, source.y)
