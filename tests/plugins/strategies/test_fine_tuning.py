"""Fine-tuning with a term: its value by hand, and what stays where it was."""

from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tlx_strategies.bss import BSS
from tlx_strategies.delta import DELTA
from tlx_strategies.l2_sp import L2SP
from tlx_strategies.lora import LoRA
from tlx_strategies.mme import MME
from tlx_strategies.stochnorm import StochNorm


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def entered(engine, strategy):
    """A run at the start of its last phase."""
    run = engine(strategy)
    for phase in range(len(run.phases)):
        run.enter(phase)
        if phase < len(run.phases) - 1:
            run.round()
    return run, run.state


def task(run, state, train=True) -> tuple[float, Any]:
    """Cross-entropy of the labelled rows by hand, and their features."""
    rows = run.batch().labelled
    features, _ = run.model.features(state, rows.x, train=train)
    log_p = log_softmax(np.float64(run.model.logits(state, features)), 1)
    return -float(np.mean(log_p[np.arange(len(log_p)), rows.y])), np.asarray(features, np.float64)


def shifted(state):
    """The state with features' weights 0.1 further."""
    moved = jax.tree.map(lambda leaf: leaf + 0.1, state.params["features"])
    return state._replace(params={**state.params, "features": moved})


def measured(run, state) -> dict[str, float]:
    return run.measured(run.phases[-1].objectives[0], state)


def test_l2_sp_pulls_to_the_source_and_the_head_to_zero(engine):
    """The trap: an anchor at the initial weights, or one that moves."""
    run, state = entered(engine, L2SP(alpha=0.5, beta=0.3))
    assert same(state.extra["origin"], state.params["features"])
    state = shifted(state)
    count = sum(leaf.size for leaf in jax.tree.leaves(state.params["features"]))
    head = sum(float(np.sum(np.square(leaf))) for leaf in jax.tree.leaves(state.params["head"]))
    found = measured(run, state)
    assert found["away"] == pytest.approx(0.01 * count, rel=1e-3)
    assert found["loss"] == pytest.approx(task(run, state)[0] + 0.25 * 0.01 * count + 0.15 * head, rel=1e-3)


def test_bss_shrinks_the_smallest_singular_values(engine):
    run, state = entered(engine, BSS(k=2, eta=0.5))
    expected, features = task(run, state)
    smallest = np.sort(np.linalg.svd(features)[1])[:2]
    found = measured(run, state)
    assert found["shrinkage"] == pytest.approx(np.sum(smallest**2), rel=1e-2, abs=1e-5)
    assert found["loss"] == pytest.approx(expected + 0.5 * found["shrinkage"], rel=1e-4)


@pytest.mark.parametrize("attention", [True, False])
def test_delta_holds_the_features_near_the_pretrained_ones(engine, attention):
    """The trap: the pretrained net in train mode, or with the statistics that fine-tuning has come to."""
    run, state = entered(engine, DELTA(attention=attention, alpha=0.5, beta=0.0))
    growth = np.float64(state.extra["growth"])
    assert state.extra["batches"] == 3 and np.any(growth)
    _, before = task(run, state, train=False)
    expected, now = task(run, shifted(state))
    weights = 16 * softmax(growth) if attention else np.ones(16)
    behaviour = np.mean(np.sum(weights * (now - before) ** 2, 1))
    found = measured(run, shifted(state))
    assert found["behaviour"] == pytest.approx(behaviour, rel=1e-3)
    assert found["loss"] == pytest.approx(expected + 0.25 * behaviour, rel=1e-3)


def test_stochnorm_takes_each_channels_statistics_at_random(engine):
    """The traps: one draw for all channels; selection at prediction; running statistics that stand still."""
    run, state = entered(engine, StochNorm(p=1.0))
    assert measured(run, state)["loss"] == pytest.approx(task(run, state, train=False)[0], rel=1e-4)
    losses = {p: engine(StochNorm(p=p)) for p in (0.0, 0.5)}
    for other in losses.values():
        other.state = state
    zero, half = (measured(other, state)["loss"] for other in losses.values())
    assert zero == pytest.approx(task(run, state)[0], rel=1e-4)
    assert half not in (pytest.approx(zero, rel=1e-4), pytest.approx(measured(run, state)["loss"], rel=1e-4))
    after = run.round()
    assert not same(after.extra["features"], state.extra["features"])


def test_lora_moves_the_low_rank_change_and_the_head_only(engine):
    """The traps: a base that moves by its statistics or by weight decay; a prediction without the change."""
    run, state = entered(engine, LoRA(rank=2))
    x = run.batch_of_test(8)
    features, _ = run.model.features(state, x, train=False)
    np.testing.assert_allclose(
        run.strategy.predict(run.model, state, x), run.model.logits(state, features), rtol=1e-5, err_msg="B is 0"
    )
    after = run.round()
    assert same((after.params["features"], after.extra), (state.params["features"], state.extra))
    assert {group for group in after.params if not same(after.params[group], state.params[group])} == {"lora", "head"}
    factors = after.params["lora"]["fc/kernel"]
    kernel = after.params["features"]["fc"]["kernel"] + 2 * factors["a"] @ factors["b"]
    base = after.params["features"]
    merged = after._replace(params={**after.params, "features": {**base, "fc": {**base["fc"], "kernel": kernel}}})
    features, _ = run.model.features(merged, x, train=False)
    np.testing.assert_allclose(
        run.strategy.predict(run.model, after, x), run.model.logits(after, features), rtol=1e-4, atol=1e-5
    )


def test_mme_classifier_raises_the_entropy_and_features_lower_it(engine):
    """The trap: the reversal on the wrong side, so that both go one way."""
    run, without = engine(MME(weight=1.0, temperature=1.0)), engine(MME(weight=0.0, temperature=1.0))
    before = run.enter(0)
    without.enter(0)
    (objective,) = run.phases[0].objectives
    full, plain = run.step(objective), without.step(*without.phases[0].objectives)

    def entropy(group):
        pushed = jax.tree.map(lambda b, f, w: b + f - w, *(s.params[group] for s in (before, full, plain)))
        return run.measured(objective, before._replace(params={**before.params, group: pushed}))["entropy"]

    start = run.measured(objective, before)["entropy"]
    assert entropy("head") > start > entropy("features")
