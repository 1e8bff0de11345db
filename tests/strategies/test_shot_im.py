"""Source hypothesis transfer by information maximisation."""

import jax
import pytest
from programs import at_phase, entropies, probabilities, views
from states import cross_entropy, features, logits, moved, moved_layers

from tlx.testing import Probe
from tlx_strategies.shot_im import SHOTIM


def test_asks_for_certain_and_diverse_predictions():
    """The trap: a classifier that moves."""
    probe = at_phase(SHOTIM(diversity=0.5))
    p = probabilities(probe, probe.batch.target.x)
    expected = entropies(p).mean() - 0.5 * entropies(p.mean(0, keepdims=True))[0]
    assert probe.value()[0] == pytest.approx(expected, rel=1e-4)
    assert moved(probe.state, probe.step()) == {"features"}


def test_smooths_the_labels_of_the_source():
    probe = Probe(SHOTIM())
    probe.begin()
    rows = probe.batch.source
    assert [phase.sees for phase in probe.phases] == [{"source"}, {"target"}]
    expected = cross_entropy(logits(probe, features(probe, rows.x)), rows.y, 0.1)
    assert probe.value()[0] == pytest.approx(expected, rel=1e-5)
    assert moved_layers(probe.state, probe.step()) == {"fc", "bn", "head"}


def test_augments_source_images_by_the_weak_policy():
    """The traps: labels that are augmented away; the strong policy."""
    probe = Probe(SHOTIM(augment=True))
    probe.begin()
    rows = probe.batch.source
    (x,) = views(probe, jax.random.split(probe.context().key)[:1], [(rows.x, "weak")])
    expected = cross_entropy(logits(probe, features(probe, x)), rows.y, 0.1)
    assert probe.value()[0] == pytest.approx(expected, rel=1e-5)
