"""Statistics of the test batch."""

import jax
import numpy as np
from programs import at_phase
from states import features, linear, logits, same

from tlx_strategies.bn_adapt import BNAdapt


def test_no_parameter_moves():
    """The trap: a step in a phase without objectives; statistics that take over the stream's."""
    probe = at_phase(BNAdapt())
    assert probe.phases[1].online and same(probe.step(), probe.state)


def test_mixes_the_statistics_by_rows():
    """A prior of 24 rows and a batch of 8 count 3 to 1; none, and an endless one, are the two modes of batch norm."""
    probe = at_phase(BNAdapt())
    x, part = probe.batch.target.x[:8], probe.state.params["features"]
    bn, affine = (jax.tree.map(np.float64, tree["bn"]) for tree in (probe.state.stats["features"].values, part))
    h = np.float64(linear(part["fc"], x.reshape(8, -1)))
    mean, var = (0.75 * bn[name] + 0.25 * own for name, own in (("mean", h.mean(0)), ("var", h.var(0))))
    z = np.maximum((h - mean) / np.sqrt(var + 1e-5) * affine["scale"] + affine["bias"], 0)

    def predicted(prior):
        return BNAdapt(prior=prior).predict(probe.model, probe.state, x)

    np.testing.assert_allclose(predicted(24.0), logits(probe, z), rtol=1e-3, atol=1e-4)
    for prior, train in ((0.0, True), (1e9, False)):
        expected = logits(probe, features(probe, x, train=train))
        np.testing.assert_allclose(predicted(prior), expected, rtol=1e-3, atol=1e-4)
