"""FixMatch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import probabilities, views

from tlx.testing import Probe
from tlx_strategies.fixmatch import FixMatch


def test_learns_from_confident_rows():
    """The traps: the strong view labels itself; a mean over the confident rows only."""
    probe = Probe(FixMatch(threshold=0.5))
    probe.begin()
    probe.state = probe.state.put_params(head=jax.tree.map(lambda w: 4 * w, probe.state.params["head"]))
    batch, keys = probe.batch, jax.random.split(probe.context().key, 3)
    shown = views(probe, keys, [(batch.source.x, "weak"), (batch.target.x, "weak"), (batch.target.x, "strong")])
    p = probabilities(probe, jnp.concatenate(shown)).reshape(3, 16, 3)
    sure = p[1].max(1) >= 0.5
    assert 0 < sure.sum() < 16
    expected = -np.sum(np.log(p[2][np.arange(16), p[1].argmax(1)]) * sure) / 16
    _, metrics = probe.value()
    assert metrics["consistency"] == pytest.approx(expected, rel=1e-3)
    assert metrics["task"] == pytest.approx(-np.mean(np.log(p[0][np.arange(16), batch.source.y])), rel=1e-3)


def test_takes_seven_target_rows_to_a_labelled_one():
    (phase,) = Probe(FixMatch()).phases
    assert phase.batch == {"target": 7} and phase.sees == {"source", "target"}
    assert Probe(FixMatch(labels="target")).phases[0].sees == {"target", "labelled"}
    assert Probe(FixMatch(labels="both", ratio=1)).phases[0].sees == {"source", "target", "labelled"}


def test_rows_of_both_domains_and_more_target_rows_go_through_together():
    """The trap: the views cut at the number of source rows."""
    probe = Probe(FixMatch(labels="both", threshold=0.0))
    probe.begin()
    batch = probe.batch
    probe.batch = batch._replace(source=jax.tree.map(lambda leaf: leaf[:3], batch.source))
    keys, x = jax.random.split(probe.context().key, 3), jnp.concatenate([batch.source.x[:3], batch.labelled.x])
    shown = views(probe, keys, [(x, "weak"), (batch.target.x, "weak"), (batch.target.x, "strong")])
    p, y = probabilities(probe, jnp.concatenate(shown)), jnp.concatenate([batch.source.y[:3], batch.labelled.y])
    loss, metrics = probe.value()
    assert metrics["task"] == pytest.approx(-np.mean(np.log(p[np.arange(19), y])), rel=1e-3)
    gap = -np.mean(np.log(p[35:][np.arange(16), p[19:35].argmax(1)]))
    assert loss == pytest.approx(metrics["task"] + gap, rel=1e-3)
