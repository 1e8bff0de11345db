"""Two phases: what moves in the second, what stays, and whose batch-norm statistics they are."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tlx import Batch, Context, Labelled, Objective, Phase, State
from tlx.engine.feed import normalise
from tlx.ops import centroid_labels
from tlx_strategies.adda import ADDA
from tlx_strategies.feature_extraction import FeatureExtraction
from tlx_strategies.fine_tune import FineTune
from tlx_strategies.shot import SHOT
from tlx_strategies.shot_im import augmented


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
    run = trained_on_source(engine, FeatureExtraction())
    trained = run.state
    entered = run.enter(1)
    assert moved(trained, entered) == {"head"}, "the head begins anew"
    after = run.round()
    assert moved(entered, after) == {"head"}
    assert same(after.extra, trained.extra)


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
