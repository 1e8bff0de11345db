"""Entropy on a balanced reservoir."""

import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, entropies
from scipy.special import softmax
from states import features, linear, logits, moved_layers, running

from tlx.contract import Online
from tlx.ops import reservoir
from tlx_strategies.note import NOTE


def test_descends_entropy_on_the_reservoir():
    """The traps: entropy of the stream's own batch; predictions by the batch's statistics."""
    probe = at_phase(NOTE(memory=6, alpha=0.2))
    assert probe.phases[1].online == Online("before") and probe.phases[1].sees == {"target"}
    state, x = probe.state, np.asarray(probe.batch.target.x)
    guess = jnp.argmax(logits(probe, features(probe, x, train=False)), 1).astype(jnp.int32)
    empty = jnp.full(6, -1, jnp.int32), jnp.zeros(3, jnp.int32)
    _, _, row = reservoir(probe.context().key, *empty, guess)
    held = x[np.asarray(row)]
    h = np.float64(linear(state.params["features"]["fc"], held.reshape(6, -1)))
    bn = {name: np.float64(leaf) for name, leaf in state.stats["features"].values["bn"].items()}
    mean, var = (0.8 * bn[name] + 0.2 * own for name, own in (("mean", h.mean(0)), ("var", h.var(0))))
    affine = {name: np.float64(leaf) for name, leaf in state.params["features"]["bn"].items()}
    z = np.maximum((h - mean) / np.sqrt(var + 1e-5) * affine["scale"] + affine["bias"], 0)
    expected = entropies(softmax(np.float64(logits(probe, z)), 1)).mean()
    assert probe.value()[0] == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(running(probe.seen()), mean, rtol=1e-3, atol=1e-4)
    after = probe.step()
    assert moved_layers(state, after) == {"bn"} and after.extra["met"].sum() == 16
    np.testing.assert_allclose(
        NOTE().predict(probe.model, after, x[:1]), probe.predict(state=after)[:1], rtol=1e-4, atol=1e-5
    )
