"""Refinement with a teacher."""

import pytest
from programs import at_phase, parameters, probabilities
from scipy.stats import entropy
from states import moved, same

from tlx_strategies.dirt_t import DIRTT


def test_leaves_the_source_and_stays_near_its_last_self():
    """The traps: source data in the refinement; a teacher that is never renewed, or at every step."""
    probe = at_phase(DIRTT(hidden=(8,), decay=0.5))
    assert [phase.sees for phase in probe.phases] == [{"source", "target"}, {"target"}]
    entered = probe.state
    assert same(parameters(entered, who="last_"), parameters(entered, who="teacher_"))
    first = probe.step(2)
    assert moved(entered, first) == {"features", "head", "teacher_features", "teacher_head"}
    second = probe.step(2, state=probe.refresh(state=first))
    assert same(parameters(second, who="last_"), parameters(first, who="teacher_"))
    assert not same(parameters(second, who="last_"), parameters(second, who="teacher_"))


def test_divergence_is_from_the_last_net():
    """The trap: the direction of the divergence."""
    probe = at_phase(DIRTT(hidden=(8,), decay=0.5))
    state, x = probe.step(3), probe.batch.target.x
    now, then = probabilities(probe, x, state=state), probabilities(probe, x)
    before = probe.value(state=state)[1]["teacher_kl"]
    wanted = probabilities(probe, x, state=state.put_params(**parameters(state, who="last_")))
    assert before == pytest.approx(entropy(wanted, now, axis=1).mean(), rel=1e-3, abs=1e-7)
    assert then.shape == now.shape
