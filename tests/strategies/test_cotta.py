"""Continual test-time adaptation."""

import jax
import numpy as np
import pytest
from programs import at_phase, entropies, parameters, probabilities, views
from scipy.special import log_softmax, softmax
from states import features, logits, same

from tlx.contract import Online
from tlx.testing import Probe
from tlx_strategies.cotta import CoTTA


def test_begins_at_the_source_and_can_return_there():
    """The traps: a teacher restored with the student; a student whose own labels are augmented for nothing."""
    probe = at_phase(CoTTA(restore=1.0, decay=0.5, views=2))
    before, after = probe.state, probe.step()
    assert same(parameters(before), parameters(after)), "every weight is restored"
    halfway = parameters(probe.after(state=before.put_params(head=teacher(before, 2.0))), ("head",), "teacher_")
    assert same(halfway["head"], teacher(before, 1.5)), "the teacher has followed before it"
    p = probabilities(probe, probe.batch.target.x)
    loss, metrics = value(CoTTA(threshold=0.0, views=2), before)
    assert loss == pytest.approx(entropies(p).mean(), rel=1e-3)
    assert metrics["certainty"] == pytest.approx(p.max(1).mean(), rel=1e-3)
    viewed = value(CoTTA(threshold=1.1, views=2), before)[0]
    assert viewed != pytest.approx(loss, rel=1e-3), "below the threshold the views are averaged"


@pytest.mark.slow
def test_averages_the_probabilities_of_the_views():
    """The authors' code takes the softmax of the views' mean logits: with one view the two are equal."""
    before = at_phase(CoTTA(views=3)).state
    for count, apart in ((3, True), (1, False)):
        probe = at(CoTTA(threshold=1.1, views=count))
        x, keys = probe.batch.target.x, jax.random.split(probe.context().key, count)
        shown = views(probe, keys, [(x, "strong")] * count)
        outputs = [
            np.float64(
                logits(probe, features(probe, each, net="teacher_features", state=before), "teacher_head", state=before)
            )
            for each in shown
        ]
        log_p = log_softmax(np.float64(logits(probe, features(probe, x, state=before), state=before)), 1)
        wanted = np.mean([softmax(z, 1) for z in outputs], 0), softmax(np.mean(outputs, 0), 1)
        ours, theirs = (-np.mean(np.sum(each * log_p, 1)) for each in wanted)
        assert probe.value(state=before)[0] == pytest.approx(ours, rel=1e-4)
        assert (theirs != pytest.approx(ours, rel=1e-3)) == apart


def teacher(state, factor):
    return {name: factor * leaf for name, leaf in state.params["head"].items()}


def at(strategy):
    probe = Probe(strategy)
    probe.number = 1
    return probe


def value(strategy, state):
    return at(strategy).value(state=state)


def test_predicts_by_the_teacher_before_the_step():
    probe = at_phase(CoTTA(restore=0.0, decay=0.5, views=2))
    assert probe.phases[1].online == Online("before")
    before, after = probe.state, probe.step(2)
    assert not same(parameters(after), parameters(before))
    assert not same(parameters(after, who="teacher_"), parameters(before))
    z = features(probe, probe.batch.target.x, state=after, net="teacher_features")
    expected = logits(probe, z, "teacher_head", state=after)
    np.testing.assert_allclose(probe.predict(state=after), expected, rtol=1e-4, atol=1e-5)
