"""Corrections of a batch's predictions."""

import jax.numpy as jnp
import numpy as np
from programs import at_phase
from scipy.special import log_softmax
from states import features, logits, same

from tlx.ops import laplacian_adjusted, neighbour_affinity
from tlx_strategies.lame import LAME


def test_no_parameter_moves():
    """The trap: a step in a phase without objectives; statistics that take over the stream's."""
    probe = at_phase(LAME(neighbours=3, iterations=5))
    assert probe.phases[1].online and same(probe.step(), probe.state)


def test_smooths_the_source_models_predictions():
    """The trap: predictions by batch statistics; the method is about the output alone."""
    probe = at_phase(LAME(neighbours=3, iterations=5))
    z = features(probe, probe.batch.target.x, train=False)
    log_p = jnp.asarray(log_softmax(logits(probe, z), 1))
    expected = laplacian_adjusted(log_p, neighbour_affinity(z, 3), 5)
    np.testing.assert_allclose(probe.predict(), expected, rtol=1e-4, atol=1e-5)
