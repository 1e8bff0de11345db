"""Open set domain adaptation by backpropagation."""

import numpy as np
import pytest
from scipy.special import softmax
from terms import OUTPUTS, begun, check_weight, term

from tlx_strategies.osbp import OSBP


def logits_of(probe):
    head = probe.state.params["head"]
    return np.asarray(OUTPUTS.target) @ np.asarray(head["kernel"]) + np.asarray(head["bias"])


@pytest.mark.parametrize("boundary", [0.5, 0.3])
def test_is_the_cross_entropy_to_the_boundary(boundary):
    probe = begun(OSBP(boundary=boundary))
    p = softmax(logits_of(probe), axis=1)[:, -1]
    expected = -np.mean(boundary * np.log(p) + (1 - boundary) * np.log(1 - p))
    assert term(probe).value == pytest.approx(expected, rel=1e-4)
    check_weight(probe)


def test_classifier_descends_and_features_ascend():
    """The trap: a reversal on the wrong side of the classifier, which leaves the target at the boundary."""
    probe = begun(OSBP())
    found, p = term(probe, progress=0.5), softmax(logits_of(probe), axis=1)
    slope = p * ((0.5 - p[:, -1:]) / (1 - p[:, -1:]))
    slope[:, -1] = p[:, -1] - 0.5  # of the loss by the logits, t = 1/2
    slope /= len(p)
    kernel = np.asarray(probe.state.params["head"]["kernel"])
    np.testing.assert_allclose(found.params["head"]["kernel"], np.asarray(OUTPUTS.target).T @ slope, atol=1e-5)
    np.testing.assert_allclose(found.outputs.target, -np.tanh(2.5) * slope @ kernel.T, atol=1e-5)
    assert not np.any(found.outputs.source) and np.any(found.outputs.target)
