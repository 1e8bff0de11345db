"""Maximum mean discrepancy; and, of every additive strategy, how batch norm sees the domains."""

import functools

import numpy as np
import pytest
from states import MOMENTUM, cross_entropy, features, logits, means, moved, moved_layers, running, same, together
from terms import begun, check_distance, check_weight

from tlx import SettingError
from tlx.blocks import as_source
from tlx.blocks.sums import compose
from tlx.runs.settings import parse_settings
from tlx.testing import Probe
from tlx_strategies.mcc import MCC
from tlx_strategies.mmd import MMD


@functools.cache
def probed(norm: str = "joint", weight: float = 2.0) -> Probe:
    probe = Probe(MMD(weight=weight, norm=norm))  # pyright: ignore[reportArgumentType]
    probe.begin()
    return probe


def test_term_is_a_distance():
    check_distance(begun(MMD()))


def test_estimators_differ_and_a_third_is_refused():
    """The trap: a mistyped estimator that fails in the middle of a run, or is silently the default."""
    assert check_weight(begun(MMD())).value != check_weight(begun(MMD(estimator="linear"))).value
    with pytest.raises(SettingError, match="estimator.*'cubic'.*quadratic.*linear"):
        parse_settings(MMD, {"estimator": "cubic"}, "mmd")


def test_is_added_to_the_task_with_its_weight():
    probe = probed()
    loss, metrics = probe.value()
    source, _ = together(probe)
    assert metrics["task"] == pytest.approx(cross_entropy(logits(probe, source), probe.batch.source.y), rel=1e-5)
    assert metrics["mmd"] > 0 and loss == pytest.approx(metrics["task"] + 2 * metrics["mmd"], rel=1e-5)


def test_joint_is_the_default_and_sees_the_mixture():
    probe = probed()
    before, after = probe.state, probe.step()
    assert before.params.keys() & {"source_norm"} == set() and "source_norm" not in before.stats
    np.testing.assert_allclose(running(after), 0.01 * sum(means(probe)) / 2, rtol=1e-3, atol=1e-6)


def test_separate_passes_share_the_running_statistics():
    probe = probed("separate")
    before, after = probe.state, probe.step()
    source, target = means(probe)
    np.testing.assert_allclose(running(after), MOMENTUM * 0.01 * source + 0.01 * target, rtol=1e-3, atol=1e-6)
    assert before.params.keys() == after.params.keys() and "source_norm" not in after.params


def test_domain_has_a_batch_norm_for_each():
    """The traps: the source's scale moved with the target's; a prediction by the source's batch norm."""
    probe = probed("domain", 0.0)
    before, after = probe.state, probe.step()
    source, target = means(probe)
    np.testing.assert_allclose(running(after, "source_norm"), 0.01 * source, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(running(after), 0.01 * target, rtol=1e-3, atol=1e-6)
    assert set(before.params["source_norm"]) == {"bn/scale", "bn/bias"}
    assert "source_norm" in moved(before, after), "trained by the task"
    assert "bn" not in moved_layers(before, after), "by the term alone, whose weight is 0"
    assert "fc" in moved_layers(before, after), "all else is shared"
    x = probe.batch.target.x[:8]
    z = features(probe, x, state=after, train=False)
    np.testing.assert_allclose(probe.predict(x, state=after), logits(probe, z, state=after), rtol=1e-5, atol=1e-6)
    assert not same(z, features(probe, x, state=as_source(after), train=False))


def test_composed_terms_share_the_norm():
    both = compose((("mmd", MMD), ("mcc", MCC)))
    probe = Probe(both(norm="separate"))
    probe.begin()
    source, target = means(probe)
    np.testing.assert_allclose(running(probe.step()), MOMENTUM * 0.01 * source + 0.01 * target, rtol=1e-3, atol=1e-6)
    with pytest.raises(TypeError, match="no setting mmd.norm"):
        both(**{"mmd.norm": "separate"})
