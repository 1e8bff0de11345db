"""Maximum classifier discrepancy."""

import functools

import numpy as np
import pytest
from scipy.special import softmax
from states import MOMENTUM, cross_entropy, features, logits, means, moved, running, same, together

from tlx.testing import Probe
from tlx_strategies.mcd import MCD

HEADS = ("head", "head2")


@functools.cache
def probed(norm: str = "joint", weight: float = 1.0, num_k: int = 4) -> Probe:
    probe = Probe(MCD(weight=weight, norm=norm, num_k=num_k))  # pyright: ignore[reportArgumentType]
    probe.begin()
    return probe


def test_plays_three_objectives():
    """The traps: the gap's sign (the heads go up it, the features down it); and two heads that begin equal, where the
    paper has two different ones: then only rounding tells them apart.
    """
    probe = probed()
    played = [(o.trains, o.repeat) for o in probe.phases[0].objectives]
    assert played == [(("*",), 1), (HEADS, 1), (("features",), 4)]
    assert not same(probe.state.params["head"], probe.state.params["head2"])
    source, target = together(probe)
    first, second = (softmax(np.float64(logits(probe, target, name)), 1) for name in HEADS)
    gap = np.mean(np.abs(first - second))
    task = sum(cross_entropy(logits(probe, source, name), probe.batch.source.y) for name in HEADS)
    losses = [probe.value(number)[0] for number in range(3)]
    assert losses == pytest.approx([task, task - gap, gap], rel=1e-4)


def test_balance_is_least_where_classes_are_alike():
    """balance * sum over heads of -mean_c log mean_i p_ic on the target, in the task."""
    probe = Probe(MCD(balance=0.5))
    probe.begin()
    _, target = together(probe)
    spread = sum(-np.log(softmax(np.float64(logits(probe, target, name)), 1).mean(0)).mean() for name in HEADS)
    assert probe.value(0)[0] == pytest.approx(probed().value(0)[0] + 0.5 * spread, rel=1e-4)


def test_predicts_by_both_heads():
    """The trap: one head predicting alone, or a sum of logits, which doubles the confidence."""
    probe = probed()
    z = features(probe, probe.batch.target.x, train=False)
    np.testing.assert_allclose(probe.predict(), (logits(probe, z) + logits(probe, z, "head2")) / 2, rtol=1e-5)


def test_heads_part_and_features_bring_them_together():
    """The traps: the gap's sign; heads that follow the features in objective C and close the gap by themselves."""
    probe = probed()
    before = probe.state

    def gap(state):
        return probe.value(1, state=state)[1]["gap"]

    task, apart, together = (probe.step(objectives=(number,)) for number in range(3))
    assert [moved(before, after) for after in (task, apart, together)] == [{"features", *HEADS}, {*HEADS}, {"features"}]
    assert gap(together) < gap(before)
    assert gap(apart) > gap(probed(weight=0.0).step(objectives=(1,)))
    once = probed(num_k=1).step(objectives=(2,))
    assert gap(together) < gap(once) < gap(before), "four small steps of the features go further than one"


def test_joint_is_the_default_and_sees_the_mixture():
    probe = probed()
    assert probe.state.params.keys() & {"source_norm"} == set() and "source_norm" not in probe.state.stats
    after = probe.step(objectives=(0,))
    np.testing.assert_allclose(running(after), 0.01 * sum(means(probe)) / 2, rtol=1e-3, atol=1e-6)


def test_separate_passes_share_the_running_statistics():
    probe = probed("separate")
    before, after = probe.state, probe.step(objectives=(0,))
    source, target = means(probe)
    np.testing.assert_allclose(running(after), MOMENTUM * 0.01 * source + 0.01 * target, rtol=1e-3, atol=1e-6)
    assert before.params.keys() == after.params.keys() and "source_norm" not in after.params
