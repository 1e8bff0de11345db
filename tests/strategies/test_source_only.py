"""The baseline."""

import jax
import jax.numpy as jnp
import pytest
from states import cross_entropy, features, logits, same

from tlx import NotShownError, strategy
from tlx.testing import Probe
from tlx_strategies.source_only import SourceOnly


@strategy
class Peeks(SourceOnly):
    """Reads the target in a phase that sees the source."""

    def phases(self, model):
        (phase,) = super().phases(model)
        (objective,) = phase.objectives

        def loss(state, batch, context):
            value, state, metrics = objective.loss(state, batch, context)
            return value + 0 * batch.target.x.mean(), state, metrics

        return (phase._replace(objectives=(objective._replace(loss=loss),)),)


def test_is_not_shown_the_target():
    """The trap: a baseline that gets target rows through batch norm."""
    probe = Probe(SourceOnly())
    probe.begin()
    assert probe.phases[0].sees == {"source"}
    z = features(probe, probe.batch.source.x)
    assert probe.value()[0] == pytest.approx(cross_entropy(logits(probe, z), probe.batch.source.y), rel=1e-5)
    one = probe.step()
    target, labelled = (jax.tree.map(jnp.zeros_like, rows) for rows in (probe.batch.target, probe.batch.labelled))
    probe.batch = probe.batch._replace(target=target, labelled=labelled)
    assert same(one, probe.step())


def test_cannot_read_the_target():
    probe = Probe(Peeks())
    probe.begin()
    with pytest.raises(NotShownError, match="Peeks, phase train reads batch.target.*it is shown: source"):
        probe.value()


def test_real_targets_go_down_the_squared_error():
    probe = Probe(SourceOnly(), target_kind="real")
    probe.begin()
    z = features(probe, probe.batch.source.x)
    error = jnp.mean((logits(probe, z) - probe.batch.source.y) ** 2)
    assert probe.value()[0] == pytest.approx(float(error), rel=1e-5)
