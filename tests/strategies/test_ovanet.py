"""One-versus-all networks."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import entropy
from terms import CLASSES, OUTPUTS, Y, begun, term

from tlx_strategies.ovanet import OVANet


def verdicts(probe, features):
    head = probe.state.params["open"]
    return np.asarray(features) @ np.asarray(head["kernel"]) + np.asarray(head["bias"])


def test_learns_from_the_hardest_other_class_alone():
    """The trap: the mean over all other classes, which the many easy ones fill."""
    probe = begun(OVANet(weight=0.3))
    p, q = expit(verdicts(probe, OUTPUTS.source)), expit(verdicts(probe, OUTPUTS.target))
    losses = []
    for row, label in zip(p, np.asarray(Y), strict=True):
        others = [-np.log(1 - row[j]) for j in range(CLASSES) if j != label]
        losses.append((-np.log(row[label]) + max(others)) / 2)
    unsure = np.mean([[entropy([one, 1 - one]) for one in row] for row in q])
    assert term(probe).value == pytest.approx(np.mean(losses) + 0.3 * unsure, rel=1e-4)


def test_a_row_that_the_nearest_class_refuses_is_unknown():
    probe = begun(OVANet())
    nearest, features = np.asarray(OUTPUTS.target_logits).argmax(1), OUTPUTS.target
    more = jnp.concatenate([OUTPUTS.target_logits, jnp.full((len(features), 1), 9.0)], axis=1)  # the unused unknown's
    strategy: Any = probe.strategy
    scored = np.asarray(strategy.scored(probe.model, probe.state, features, more))
    taken = verdicts(probe, features)[np.arange(len(nearest)), nearest]
    assert scored.shape == more.shape and len(set(taken > 0)) == 2
    np.testing.assert_array_equal(scored.argmax(1), np.where(taken > 0, nearest, CLASSES))
