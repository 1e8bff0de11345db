"""Conditional domain-adversarial training with importance weights."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_expit, softmax
from states import linear
from terms import CLASSES, OUTPUTS, WIDTH, Y, begun, term

from tlx_strategies.iwcdan import IWCDAN
from tlx_strategies.iwdan import IWDAN

W = np.array([2.0, 0.5, 0.25])


def test_the_discriminator_sees_predictions_and_weighs_source_rows():
    """The traps: weights on the target's rows; a prediction trained to fool D."""
    probe = begun(IWCDAN(hidden=(), weight=0.7))
    probe.state = probe.state.put(class_weights=jnp.float32(W), class_shares=jnp.ones(CLASSES) / CLASSES)
    layer = probe.state.params["critic"]["layers"][0]
    assert layer["kernel"].shape == (WIDTH * CLASSES, 1)

    def outer(z, out):
        return np.einsum("nw,nc->nwc", z, softmax(np.float64(out), 1)).reshape(len(z), -1)

    s = np.asarray(linear(layer, outer(OUTPUTS.source, OUTPUTS.source_logits)))[:, 0]
    t = np.asarray(linear(layer, outer(OUTPUTS.target, OUTPUTS.target_logits)))[:, 0]
    w = W[np.asarray(Y)]
    expected = -(w @ log_expit(s) / w.sum() + np.mean(log_expit(-t))) / 2
    found = term(probe)  # of equal shares the balanced cross-entropy is the plain one
    assert found.value == pytest.approx(0.7 * expected, rel=1e-4)
    assert not np.any(found.outputs.target_logits) and np.any(found.outputs.target)


def test_weights_are_those_of_iwdan():
    one, other = begun(IWCDAN(hidden=())), begun(IWDAN(hidden=()))
    assert one.phases[0].refresh.__qualname__ == other.phases[0].refresh.__qualname__
    np.testing.assert_array_equal(one.state.extra["class_weights"], 1)
    np.testing.assert_allclose(one.state.extra["class_shares"], 1 / CLASSES, rtol=1e-6)
