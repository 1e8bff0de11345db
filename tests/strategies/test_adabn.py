"""Adaptive batch normalisation."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from programs import at_phase
from states import linear, same

from tlx import ContractError
from tlx.testing import Probe
from tlx_strategies.adabn import AdaBN


class Plain(nnx.Module):
    """A backbone without batch norm, with dropout, which carries numbers too."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 4
        self.fc, self.drop = nnx.Linear(64, 4, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(nnx.relu(self.fc(x.reshape(len(x), -1))))


def statistics(state: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in state.stats["features"].values["bn"].items()}


def test_takes_the_targets_statistics_and_moves_no_parameter():
    """The traps: statistics that are still partly the source's; weights that weight decay moves."""
    probe = at_phase(AdaBN(share=0.5))
    before, x = probe.state, probe.rows["target"].x
    assert probe.phases[1].objectives == () and probe.phases[1].sees == {"target"}

    def hidden(x):
        return np.float64(linear(before.params["features"]["fc"], x.reshape(len(x), -1)))

    one, h = statistics(probe.step()), hidden(probe.batch.target.x)
    np.testing.assert_allclose(one["mean"], h.mean(0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(one["var"], h.var(0), rtol=1e-3, atol=1e-4)
    after = before
    for first in (0, 8, 16):
        rows = probe.batch.target._replace(x=x[first : first + 8])
        probe.batch = probe.batch._replace(target=rows)
        after = probe.step(state=after)
    assert same(before.params, after.params)
    np.testing.assert_allclose(statistics(after)["mean"], hidden(x).mean(0), rtol=1e-3, atol=1e-4)
    var = np.mean([hidden(x[first : first + 8]).var(0) for first in (0, 8, 16)], 0)
    np.testing.assert_allclose(statistics(after)["var"], var, rtol=1e-3, atol=1e-4)
    assert jnp.all(after.extra["batches"] == 3)


def test_needs_a_norm():
    with pytest.raises(ContractError, match="network 'features' has no batch-norm statistics"):
        Probe(AdaBN(), Plain).begin(1)
