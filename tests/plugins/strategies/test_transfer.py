"""Two phases: what moves in the second, what stays, and whose batch-norm statistics they are."""

import jax
import numpy as np
import pytest

from tlx import State
from tlx.ops import centroid_labels
from tlx_strategies.adda import ADDA
from tlx_strategies.feature_extraction import FeatureExtraction
from tlx_strategies.fine_tune import FineTune
from tlx_strategies.shot import SHOT


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


@pytest.mark.parametrize(
    ("trains", "layers"),
    [(("*",), {"fc", "bn", "head"}), (("head",), {"head"}), (("last", "head"), {"fc", "head"})],
)
def test_fine_tune_moves_the_groups_it_is_told_and_keeps_the_head(engine, trains, layers):
    """The traps: a head begun anew, as in feature extraction; groups that move against the setting."""
    run = trained_on_source(engine, FineTune(trains=trains))
    trained = run.state
    entered = run.enter(1)
    assert moved(trained, entered) == set()
    assert moved(entered, run.round()) == layers


def test_adda_keeps_the_source_encoder_with_its_statistics(engine):
    """The trap: the source encoder run in train mode, so that its statistics are those of the batch."""
    run = trained_on_source(engine, ADDA(hidden=(4,)))
    trained = run.state
    entered = run.enter(1)
    assert same(entered.extra["source"]["params"], trained.params["features"])
    assert entered.params["critic"]["layer0"]["kernel"].shape[0] == len(run.data.classes), "the critic judges logits"
    after = run.round()
    assert moved(entered, after) == {"fc", "bn"}
    assert same(after.extra["source"], entered.extra["source"])
    assert not same(after.extra["features"], entered.extra["features"]), "the target encoder has statistics of its own"
    assert not same(after.params["critic"], entered.params["critic"])


def test_adda_never_touches_the_critic_before_the_second_phase(engine):
    assert "critic" not in trained_on_source(engine, ADDA(hidden=(4,))).state.params


def test_shot_labels_anew_before_every_round(engine):
    """The traps: labels computed once; labels of a state other than the one at the start of the round."""
    strategy = SHOT()
    run = trained_on_source(engine, strategy)
    run.enter(1)
    x = (run.data.target_x / np.float32(255) - 0.5) / 0.5
    banks = []
    for _ in range(3):
        features, _ = run.model.features(run.state, x, train=False)
        expected = centroid_labels(features, run.model.logits(run.state, features))
        after = run.round(steps=6, total=18)
        np.testing.assert_array_equal(after.extra["labels"], expected)
        banks.append(np.asarray(expected))
    assert any(not np.array_equal(banks[0], bank) for bank in banks[1:])


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
