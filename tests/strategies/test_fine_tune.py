"""Fine-tuning: what moves, how fast, and from where."""

import functools
from typing import Any

import jax
import numpy as np
import pytest
from programs import at_phase
from states import moved_layers, running, same

from tlx import SettingError
from tlx.testing import Probe
from tlx_strategies.fine_tune import FineTune

FROZEN: dict[str, Any] = {"norm": "frozen"}


def probed(**settings: Any) -> Probe:
    """A probe that begins with the weights that are given."""
    probe = Probe(FineTune(**{"pretrain": 0.0, "rate": 1.0, **settings}))
    probe.begin()
    return probe


@pytest.mark.parametrize(
    ("trains", "layers"), [(("*",), {"fc", "bn", "head"}), (("head",), {"head"}), (("last", "head"), {"fc", "head"})]
)
def test_moves_the_groups_it_is_told_and_keeps_the_head(trains, layers):
    """The traps: a partial fine-tuning that moves all; a head begun anew; "last" is a glob, reaching inside a group."""
    probe = Probe(FineTune(trains=trains))
    before = probe.begin()
    entered = probe.begin(1, before)
    assert moved_layers(before, entered) == set()
    assert moved_layers(entered, probe.step()) == layers


@pytest.mark.parametrize(
    ("settings", "phases"),
    [
        ({"trains": ("features/bn/*",)}, [{"bn"}]),
        ({"last": 1}, [{"bn", "head"}]),
        ({"last": 9}, [{"fc", "bn", "head"}]),
        ({"gradual": True}, [{"head"}, {"bn", "head"}, {"fc", "bn", "head"}]),
        ({"gradual": True, "last": 1}, [{"head"}, {"bn", "head"}]),
    ],
)
def test_moves_stages_from_the_last(settings, phases):
    """The trap: stages in the order of their names, which begins with bn."""
    probe = probed(**settings)
    assert probe.model.stages == ("features/fc/*", "features/bn/*") and len(probe.phases) == len(phases)
    assert sum(phase.share for phase in probe.phases) == pytest.approx(1)
    for number, layers in enumerate(phases):
        entered = probe.begin(number, probe.state)
        assert moved_layers(entered, probe.step()) == layers


def test_slows_deeper_stages_and_may_hold_the_statistics():
    """decay^depth: head 1, bn 0.5, fc 0.25 of the step without it, from one state."""
    before, steps = probed().state, []
    for decay in (1.0, 0.5):
        after = probed(decay=decay).step()
        steps.append(jax.tree.map(lambda new, old: new - old, after.params, before.params))
    depths = {("head", "kernel"): 0, ("features", "bn", "scale"): 1, ("features", "fc", "kernel"): 2}
    for path, depth in depths.items():
        full, part = (functools.reduce(lambda tree, name: tree[name], path, tree) for tree in steps)
        np.testing.assert_allclose(part, 0.5**depth * full, rtol=1e-3, atol=1e-7)
    assert same(probed(**FROZEN).step().stats, before.stats) and not same(probed().step().stats, before.stats)


def test_draws_anew_what_it_is_told():
    probe = at_phase(FineTune(reinit=("features/bn/*", "head/*")), 0)
    trained = probe.step(3)
    entered = probe.begin(1, trained)
    assert moved_layers(trained, entered) == {"bn", "head"}
    assert not np.any(running(entered)) and np.any(running(trained))
    wrong = Probe(FineTune(reinit=("features/conv*",)))
    with pytest.raises(SettingError, match=r"'features/conv\*' fits no parameter .* features/bn/bias, .*head/kernel"):
        wrong.begin(1, trained)
