"""How batch norm sees the domains: one pass, two passes, or one batch norm for each."""

import jax
import numpy as np
import pytest

from tlx.blocks import as_source
from tlx.blocks.sums import compose
from tlx_strategies.mcc import MCC
from tlx_strategies.mcd import MCD
from tlx_strategies.mmd import MMD

MOMENTUM = 0.99  # flax's


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def means(run, state) -> tuple[np.ndarray, np.ndarray]:
    """The batch mean before batch norm, of the source's and of the target's rows."""
    dense, batch = state.params["features"]["fc"], run.batch()
    source, target = (
        np.mean(np.asarray(x.reshape(16, -1) @ dense["kernel"] + dense["bias"]), 0)
        for x in (batch.source.x, batch.target.x)
    )
    return source, target


def after_a_step(engine, strategy):
    run = engine(strategy)
    before = run.enter(0)
    return run, before, run.step(*run.phases[0].objectives[:1])


def running(extra) -> np.ndarray:
    return np.asarray(extra["bn"]["mean"])


@pytest.mark.parametrize("kind", [MMD, MCD])
def test_joint_is_the_default_and_sees_the_mixture(engine, kind):
    run, before, after = after_a_step(engine, kind())
    assert before.params.keys() & {"source_norm"} == set() and "source_norm" not in before.extra
    np.testing.assert_allclose(
        running(after.extra["features"]), 0.01 * sum(means(run, before)) / 2, rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("kind", [MMD, MCD])
def test_separate_passes_share_the_running_statistics(engine, kind):
    run, before, after = after_a_step(engine, kind(norm="separate"))
    source, target = means(run, before)
    expected = MOMENTUM * 0.01 * source + 0.01 * target
    np.testing.assert_allclose(running(after.extra["features"]), expected, rtol=1e-3, atol=1e-6)
    assert before.params.keys() == after.params.keys() and "source_norm" not in after.params


def test_domain_has_a_batch_norm_for_each(engine):
    """The traps: the source's scale moved with the target's; a prediction by the source's batch norm."""
    run, before, after = after_a_step(engine, MMD(weight=0.0, norm="domain"))
    source, target = means(run, before)
    np.testing.assert_allclose(running(after.extra["source_norm"]), 0.01 * source, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(running(after.extra["features"]), 0.01 * target, rtol=1e-3, atol=1e-6)
    assert set(before.params["source_norm"]) == {"bn/scale", "bn/bias"}
    assert not same(before.params["source_norm"], after.params["source_norm"]), "trained by the task"
    assert same(before.params["features"]["bn"], after.params["features"]["bn"]), "by the term alone, whose weight is 0"
    assert not same(before.params["features"]["fc"], after.params["features"]["fc"]), "all else is shared"
    x = run.batch_of_test(8)
    features, _ = run.model.features(after, x, train=False)
    np.testing.assert_array_equal(run.strategy.predict(run.model, after, x), run.model.logits(after, features))
    assert not same(features, run.model.features(as_source(after), x, train=False)[0])


def test_composed_terms_share_the_setting(engine):
    both = compose((("mmd", MMD), ("mcc", MCC)))
    run, before, after = after_a_step(engine, both(norm="separate"))
    source, target = means(run, before)
    expected = MOMENTUM * 0.01 * source + 0.01 * target
    np.testing.assert_allclose(running(after.extra["features"]), expected, rtol=1e-3, atol=1e-6)
    with pytest.raises(TypeError, match="no setting mmd.norm"):
        both(**{"mmd.norm": "separate"})
