"""Sliced Wasserstein discrepancy."""

import jax
import pytest
from states import logits, together

from tlx.ops import random_directions, sliced_wasserstein
from tlx.testing import Probe
from tlx_strategies.swd import SWD


def test_is_mcd_with_another_gap():
    probe = Probe(SWD(projections=7))
    probe.begin()
    assert [o.trains for o in probe.phases[0].objectives] == [("*",), ("head", "head2"), ("features",)]
    _, target = together(probe)
    p, q = (jax.nn.softmax(logits(probe, target, head)) for head in ("head", "head2"))
    expected = sliced_wasserstein(p, q, random_directions(probe.context().key, 3, 7))
    gap = probe.value(1)[1]["gap"]
    assert gap == pytest.approx(float(expected), rel=1e-4)
    assert probe.value(1, state=probe.step(objectives=(2,)))[1]["gap"] < gap
