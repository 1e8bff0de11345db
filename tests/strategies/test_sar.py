"""Flat minima, reliable rows, and the way back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, shifted
from states import features, logits, moved_layers, same

from tlx import ContractError
from tlx.contract import Online
from tlx.testing import Probe
from tlx_strategies.sar import SAR


def doubts(probe, state):
    z = features(probe, probe.batch.target.x, state=state)
    log_p = jax.nn.log_softmax(logits(probe, z, state=state))
    return -jnp.sum(jnp.exp(log_p) * log_p, 1)


def certain(state):
    """The state with a sharper classifier, so that some rows are reliable."""
    return shifted(state).put_params(head=jax.tree.map(lambda leaf: 3 * leaf, state.params["head"]))


@pytest.mark.slow
def test_the_loss_is_at_the_ascended_weights_over_rows_that_are_reliable_at_both():
    """The traps: an ascent of all weights; a length that is not rho; unreliable rows; a mean over all rows."""
    probe = at_phase(SAR(margin=0.7, rho=0.5))
    assert probe.phases[1].online == Online("before") and probe.phases[1].sees == {"target"}
    state, limit = certain(probe.state), 0.7 * np.log(3)
    own = np.asarray(doubts(probe, state))
    reliable = own < limit

    def with_bn(bn):
        return state.put_params(features={**state.params["features"], "bn": bn})

    bn = state.params["features"]["bn"]
    slope = jax.grad(lambda bn: jnp.mean(doubts(probe, with_bn(bn))[reliable]))(bn)
    length = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(slope)))
    ascended = with_bn(jax.tree.map(lambda w, g: w + 0.5 * g / length, bn, slope))
    second = np.asarray(doubts(probe, ascended))
    both = reliable & (second < limit)
    assert 0 < both.sum() < reliable.sum() < len(own)
    loss, metrics = probe.value(state=state)
    assert loss == pytest.approx(second[both].mean(), rel=1e-3) and metrics["kept"] == pytest.approx(both.mean())
    expected = jax.grad(
        lambda bn: jnp.mean(doubts(probe, with_bn(jax.tree.map(lambda w, g: w + 0.5 * g / length, bn, slope)))[both])
    )(bn)
    got = probe.slope(state=state)["features"]["bn"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-4), got, expected)
    seen = probe.seen(state=state).extra["mean"]
    assert seen == pytest.approx(loss, rel=1e-4)
    moved = probe.seen(state=state.put(mean=jnp.float32(2.0))).extra["mean"]
    assert moved == pytest.approx(0.9 * 2 + 0.1 * loss, rel=1e-3)


def test_goes_back_to_the_source_when_the_loss_collapses():
    """The traps: a mean that starts at 0 and resets at once; one that stays low after the reset."""
    probe = at_phase(SAR(collapse=0.2))
    away = probe.state.put_params(features=jax.tree.map(lambda leaf: leaf + 0.5, probe.state.params["features"]))
    for mean, back in ((0.1, True), (0.3, False), (jnp.nan, False)):
        after = probe.after(state=away.put(mean=jnp.float32(mean)))
        assert same(after.params["features"]["bn"], probe.state.params["features"]["bn"]) == back
        assert np.isnan(after.extra["mean"]) == (back or np.isnan(mean))
    assert moved_layers(probe.state, probe.step(state=certain(probe.state))) >= {"bn"}


def test_frozen_stages_need_a_norm_elsewhere():
    probe = Probe(SAR(frozen=1))
    with pytest.raises(ContractError, match=r"SAR: frozen 1 leaves no normalisation layer to move, of the stages .*bn"):
        probe.begin(1)
