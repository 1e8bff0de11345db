"""Importance weighted adversarial nets."""

import jax
import numpy as np
import pytest
from scipy.special import expit, log_expit, softmax
from scipy.stats import entropy
from states import linear
from terms import OUTPUTS, begun, term

from tlx_strategies.iwan import IWAN


def test_rows_that_look_like_no_target_row_count_less():
    """The trap: D itself as the weight, which keeps the very rows that the target lacks."""
    probe = begun(IWAN(hidden=(), weight=0.7, entropy=0.2))
    weigher, critic = (probe.state.params[name]["layers"][0] for name in ("weigher", "critic"))
    s, t = (np.asarray(linear(weigher, z))[:, 0] for z in (OUTPUTS.source, OUTPUTS.target))
    a, b = (np.asarray(linear(critic, z))[:, 0] for z in (OUTPUTS.source, OUTPUTS.target))
    w = (1 - expit(s)) / np.mean(1 - expit(s))
    domain = -(np.mean(w * log_expit(a)) + np.mean(log_expit(-b))) / 2
    first = -(np.mean(log_expit(s)) + np.mean(log_expit(-t))) / 2
    unsure = np.mean(entropy(softmax(np.asarray(OUTPUTS.target_logits), axis=1), axis=1))
    assert term(probe).value == pytest.approx(first + 0.7 * domain + 0.2 * unsure, rel=1e-4)


def test_the_weigher_moves_no_feature():
    """At progress 0 the adversary's gradient is reversed by 0, so that no feature has a slope."""
    found = term(begun(IWAN(hidden=(5,))), progress=0.0)
    assert not np.any(found.outputs.source) and not np.any(found.outputs.target)
    assert all(any(np.any(leaf) for leaf in jax.tree.leaves(found.params[n])) for n in ("weigher", "critic"))
