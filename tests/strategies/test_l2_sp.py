"""L2-SP: drawn to where it began."""

import jax
import numpy as np
import pytest
from programs import at_phase, shifted
from states import cross_entropy, features, logits, moved_layers, same

from tlx.testing import Probe
from tlx_strategies.l2_sp import L2SP


def test_pulls_to_the_source_and_the_head_to_zero():
    """The trap: an anchor at the initial weights, or one that moves."""
    probe = at_phase(L2SP(alpha=0.5, beta=0.3))
    assert same(probe.state.extra["origin"], probe.state.params["features"])
    state, rows = shifted(probe.state), probe.batch.labelled
    count = sum(leaf.size for leaf in jax.tree.leaves(state.params["features"]))
    head = sum(float(np.sum(np.square(leaf))) for leaf in jax.tree.leaves(state.params["head"]))
    task = cross_entropy(logits(probe, features(probe, rows.x, state=state), state=state), rows.y)
    loss, metrics = probe.value(state=state)
    assert metrics["away"] == pytest.approx(0.01 * count, rel=1e-3)
    assert loss == pytest.approx(task + 0.25 * 0.01 * count + 0.15 * head, rel=1e-3)


def test_is_drawn_to_the_weights_that_are_given():
    probe = Probe(L2SP(pretrain=0.0, last=1, norm="frozen"))
    given = jax.tree.map(lambda leaf: 1.1 * leaf, probe.begin())
    entered = probe.begin(0, given)
    assert same(entered.extra["origin"], given.params["features"])
    after = probe.step()
    assert moved_layers(entered, after) == {"bn", "head"}
    assert same((after.extra, after.stats), (entered.extra, entered.stats))
