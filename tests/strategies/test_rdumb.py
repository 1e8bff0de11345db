"""Entropy minimisation that begins anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, entropies, probabilities, shifted
from states import moved_layers, same

from tlx.contract import Online
from tlx_strategies.rdumb import RDumb


def test_begins_anew_after_every_so_many_steps():
    """The traps: a reset of the weights alone, after which all rows look known; one step too late."""
    probe = at_phase(RDumb(margin=1.0, overlap=2.0, every=3))
    assert probe.phases[1].online == Online("before")
    origin, two, three = probe.state, probe.step(2), probe.step(3)
    assert moved_layers(origin, two) == {"bn"} and np.any(two.extra["seen"])
    assert same(three.params, origin.params) and not np.any(three.extra["seen"])
    assert moved_layers(origin, probe.step(4)) == {"bn"}


def test_weighs_and_keeps_rows_as_eata_without_its_anchor():
    probe = at_phase(RDumb(margin=0.9, overlap=0.9))
    seen = jnp.array([0.8, 0.1, 0.1])
    head = jax.tree.map(lambda leaf: 4 * leaf, probe.state.params["head"])
    state = shifted(probe.state).put_params(head=head).put(seen=seen)
    p, limit = probabilities(probe, probe.batch.target.x, state=state), 0.9 * np.log(3)
    cosine = p @ np.float64(seen) / np.linalg.norm(p, axis=1) / np.linalg.norm(seen)
    kept = (entropies(p) < limit) & (np.abs(cosine) < 0.9)
    assert 0 < kept.sum() < len(p)
    weighed = (np.exp(limit - entropies(p)) * entropies(p))[kept]
    assert probe.value(state=state)[0] == pytest.approx(weighed.mean(), rel=1e-3)
