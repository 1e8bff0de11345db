"""Batch norm that follows a stream."""

import numpy as np
import pytest
from flax import nnx
from programs import at_phase
from states import linear, running

from tlx import ContractError
from tlx.blocks import by_moved, norms
from tlx.testing import Probe
from tlx_strategies.onda import ONDA
from tlx_strategies.source_only import SourceOnly


class Quick(nnx.Module):
    """A backbone whose batch norm has a momentum of its own."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 16
        self.fc, self.bn = nnx.Linear(64, 16, rngs=rngs), nnx.BatchNorm(16, momentum=0.5, rngs=rngs)

    def __call__(self, x):
        return self.bn(self.fc(x.reshape(len(x), -1)))


class Plain(nnx.Module):
    """A backbone without batch norm."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 4
        self.fc = nnx.Linear(64, 4, rngs=rngs)

    def __call__(self, x):
        return self.fc(x.reshape(len(x), -1))


@pytest.mark.parametrize("rows", [16, 1])
def test_statistics_move_by_the_rate_and_normalise(rows):
    """The traps: a move by the layer's momentum; features by the statistics before the move, or by the batch's."""
    probe = at_phase(ONDA(), backbone=Quick)
    state, x = probe.state, probe.batch.target.x[:rows]
    bn = {name: np.float64(leaf) for name, leaf in state.stats["features"].values["bn"].items()}
    h = np.float64(linear(state.params["features"]["fc"], x.reshape(rows, -1)))
    mean, var = (0.7 * bn[name] + 0.3 * own for name, own in (("mean", h.mean(0)), ("var", h.var(0))))
    features, after = by_moved(probe.model, state, x, 0.3)
    moved = after.stats["features"].values["bn"]
    np.testing.assert_allclose(moved["mean"], mean, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(moved["var"], var, rtol=1e-3, atol=1e-5)
    affine = {name: np.float64(leaf) for name, leaf in state.params["features"]["bn"].items()}
    z = (h - mean) / np.sqrt(var + 1e-5) * affine["scale"] + affine["bias"]
    np.testing.assert_allclose(features, z, rtol=1e-3, atol=1e-3)
    assert np.ptp(np.asarray(features)) > 0.1 and not np.allclose(running(state), moved["mean"])


def test_statistics_move_while_the_batchs_own_normalise():
    """The trap: features by the statistics that move, where those of the batch were asked for."""
    probe = at_phase(ONDA(), backbone=Quick)
    state, x = probe.state, probe.batch.target.x
    features, after = by_moved(probe.model, state, x, 0.3, running=0.0)
    own, _ = probe.model.features(state, x)
    np.testing.assert_allclose(features, own, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(running(after), running(by_moved(probe.model, state, x, 0.3)[1]), rtol=1e-5)


def test_needs_a_norm():
    probe = Probe(SourceOnly(), Plain)
    state = probe.begin()
    with pytest.raises(ContractError, match="'features' has no batch-norm statistics"):
        by_moved(probe.model, state, probe.batch.target.x, 0.1)


def test_norms_are_marked_but_for_those_of_some_stages():
    features = {"conv": {"kernel": 0}, "bn1": {"scale": 0}, "bn2": {"scale": 0}}
    assert norms(features, ("features/bn2/*",)) == {
        "conv": {"kernel": False}, "bn1": {"scale": True}, "bn2": {"scale": False}
    }  # fmt: skip
