"""Running statistics that follow the stream."""

import numpy as np
from programs import at_phase
from states import features, linear, logits, running, same

from tlx.contract import Online
from tlx_strategies.onda import ONDA


def test_statistics_move_before_the_batch_is_predicted_and_no_parameter_does():
    """The traps: a move by the layer's own momentum of 0.99; predictions by the batch's statistics."""
    probe = at_phase(ONDA(alpha=0.25))
    assert probe.phases[1].online == Online("after") and probe.phases[1].objectives == ()
    before, after, x = probe.state, probe.step(), probe.batch.target.x
    assert same(before.params, after.params)
    mean = np.asarray(linear(before.params["features"]["fc"], x.reshape(len(x), -1))).mean(0)
    np.testing.assert_allclose(running(after), 0.75 * running(before) + 0.25 * mean, rtol=1e-3, atol=1e-5)
    expected = logits(probe, features(probe, x, state=after, train=False), state=after)
    np.testing.assert_allclose(probe.predict(state=after), expected, rtol=1e-5, atol=1e-6)
