"""Test-time entropy minimisation."""

import numpy as np
import pytest
from flax import nnx
from programs import at_phase, entropies, probabilities
from states import features, logits, moved_layers

from tlx import ContractError
from tlx.contract import Online
from tlx.testing import Probe
from tlx_strategies.tent import TENT


class Plain(nnx.Module):
    """A backbone without a normalisation layer."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 4
        self.fc = nnx.Linear(64, 4, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.fc(x.reshape(len(x), -1)))


class Named(nnx.Module):
    """A backbone whose normalisation layer is named in another way."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 4
        self.fc, self.BatchNorm_0 = nnx.Linear(64, 4, rngs=rngs), nnx.BatchNorm(4, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.BatchNorm_0(self.fc(x.reshape(len(x), -1))))


def test_moves_the_norms_on_the_test_stream():
    """The traps: all weights moved; the source seen at test time; a batch predicted after the step on it."""
    probe = at_phase(TENT())
    source, test = probe.phases
    assert test.online == Online("before") and test.sees == {"target"} and not source.online
    assert moved_layers(probe.state, probe.step()) == {"bn"}
    p = probabilities(probe, probe.batch.target.x)
    assert probe.value()[0] == pytest.approx(entropies(p).mean(), rel=1e-4)
    named = at_phase(TENT(), backbone=Named)
    assert moved_layers(named.state, named.step()) == {"BatchNorm_0"}


def test_predicts_by_the_batchs_statistics():
    """The trap: test-time adaptation that predicts with the source's running statistics."""
    probe = at_phase(TENT())
    x = probe.batch.target.x
    np.testing.assert_allclose(probe.predict(), logits(probe, features(probe, x)), rtol=1e-5, atol=1e-6)
    assert not np.allclose(probe.predict(), logits(probe, features(probe, x, train=False)))


def test_says_that_a_backbone_has_no_norm():
    """The trap: a run that adapts nothing and reports the source's score; the error names the glob."""
    probe = Probe(TENT(), Plain)
    probe.begin(1)
    with pytest.raises(ContractError, match=r"TENT, phase test trains group 'norm' .*\*bn\*.*features/fc/kernel"):
        probe.step()


def test_a_batch_of_one_row_has_no_statistics():
    """As `by_batch` says: after a dense layer's batch norm a row alone is the shift, so all are predicted alike."""
    probe = at_phase(TENT())
    each = [TENT().predict(probe.model, probe.state, probe.batch.target.x[row : row + 1]) for row in (0, 1)]
    np.testing.assert_allclose(each[0], each[1], atol=1e-4)
    assert np.ptp(np.asarray(probe.predict())[:2], 0).max() > 1e-2
