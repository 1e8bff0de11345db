"""Thresholds that tell the unknown, on probability, entropy and energy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import entropy
from terms import CLASSES, OUTPUTS, begun, term

from tlx.blocks.sums import compose
from tlx_strategies.dann import DANN
from tlx_strategies.max_energy import MaxEnergy
from tlx_strategies.max_entropy import MaxEntropy
from tlx_strategies.max_probability import MaxProbability

LOGITS = np.random.default_rng(4).normal(-1, 1, size=(60, CLASSES)).astype(np.float32)
WITH_UNKNOWN = jnp.concatenate([LOGITS, np.full((60, 1), 9.0, np.float32)], axis=1)  # of an output never trained


def taken(probe):
    """The class that each row is scored as, the last for the unknown."""
    scored = probe.strategy.scored(probe.model, probe.state, jnp.zeros((60, 4)), WITH_UNKNOWN)
    assert scored.shape == WITH_UNKNOWN.shape
    return np.asarray(scored).argmax(1)


@pytest.mark.parametrize(
    ("strategy", "is_unknown"),
    [
        (MaxProbability(threshold=0.6), softmax(LOGITS, axis=1).max(1) < 0.6),
        (MaxEntropy(threshold=0.8), entropy(softmax(LOGITS, axis=1), axis=1) > 0.8 * np.log(CLASSES)),
        (MaxEnergy(), -logsumexp(LOGITS, axis=1) > 0),
    ],
)
def test_what_is_beyond_the_threshold_is_unknown(strategy, is_unknown):
    """The trap: a threshold over outputs of which one, the unknown's, was never trained."""
    expected = np.where(is_unknown, CLASSES, LOGITS.argmax(1))
    assert 5 < is_unknown.sum() < 55
    np.testing.assert_array_equal(taken(begun(strategy)), expected)


def test_threshold_of_the_energy_follows_the_source_and_not_the_target():
    probe = begun(MaxEnergy(kept=0.9, decay=0.0))
    expected = np.quantile(-logsumexp(np.asarray(OUTPUTS.source_logits), axis=1), 0.9)
    assert float(term(probe).state.extra["energy"]) == pytest.approx(expected, rel=1e-4)


def test_composes_with_a_closed_set_strategy():
    """dann+max_probability is trained as dann is, and takes the unsure for unknown."""
    kind = compose((("dann", DANN), ("max_probability", MaxProbability)))
    assert kind.spaces == ("open", "universal")
    probe = begun(kind(**{"dann.hidden": (5,), "max_probability.threshold": 0.6}))
    assert term(probe).value == pytest.approx(term(begun(DANN(hidden=(5,)))).value, rel=1e-5)
    np.testing.assert_array_equal(taken(probe), taken(begun(MaxProbability(threshold=0.6))))
