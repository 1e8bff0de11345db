"""Group distributionally robust optimisation."""

import numpy as np
import pytest
from states import cross_entropy, features, logits

from tlx.testing import Probe
from tlx_strategies.group_dro import GroupDRO


def test_weights_go_to_the_worst_source_before_the_loss():
    """The traps: weights that follow the loss by a step, or that the gradient moves."""
    probe = Probe(GroupDRO(rate=2.0), domains=2)
    probe.begin()
    z, y = np.asarray(logits(probe, features(probe, probe.batch.source.x))), np.asarray(probe.batch.source.y)
    losses = np.array([cross_entropy(a, b.tolist()) for a, b in zip(np.split(z, 2), np.split(y, 2), strict=True)])
    q = np.exp(2 * losses) / np.exp(2 * losses).sum()
    assert probe.value()[0] == pytest.approx(q @ losses, rel=1e-5)
    np.testing.assert_allclose(probe.step().extra["q"], q, rtol=1e-5)
    assert probe.phases[0].draw == {"source": "domain"} and probe.phases[0].sees == {"source"}
