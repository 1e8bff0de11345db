"""The last stages alone."""

import pytest
from states import moved, moved_layers, same

from tlx.testing import Probe
from tlx_strategies.partial_fine_tune import PartialFineTune


@pytest.mark.parametrize(("last", "layers"), [(1, {"bn", "head"}), (2, {"fc", "bn", "head"})])
def test_moves_the_last_stages_and_a_new_head(last, layers):
    """The traps: the head of the source kept; statistics that drift under frozen layers."""
    probe = Probe(PartialFineTune(last=last))
    before = probe.begin()
    entered = probe.begin(0, before)
    assert moved(before, entered) == set(), "the same key draws the same head"
    given = before.put_params(head={name: leaf + 1 for name, leaf in before.params["head"].items()})
    assert moved(given, probe.begin(0, given)) == {"head"}
    after = probe.step()
    assert moved_layers(probe.state, after) == layers and same(probe.state.stats, after.stats)
