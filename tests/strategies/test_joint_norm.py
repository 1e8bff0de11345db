"""The baseline with both domains in batch norm."""

import numpy as np
from programs import at_phase
from states import means, running

from tlx_strategies.joint_norm import JointNorm


def test_only_batch_norm_sees_the_target():
    """The trap: a term that is not zero, or statistics of the source alone."""
    probe = at_phase(JointNorm())
    value, metrics = probe.value()
    assert value == metrics["task"]
    source, target = means(probe)
    expected = 0.99 * running(probe.state) + 0.01 * (source + target) / 2
    np.testing.assert_allclose(running(probe.seen()), expected, rtol=1e-5, atol=1e-6)
