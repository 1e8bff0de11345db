"""Separate to adapt."""

import numpy as np
import pytest
from scipy.special import expit, log_expit, log_softmax, softmax
from scipy.stats import entropy
from states import linear, logits, moved, together

from tlx.testing import Probe
from tlx_strategies.sta import STA

K = 2  # an eighth of 16 rows


def probed(phase=0):
    probe = Probe(STA(hidden=(), separator=(), extreme=1 / 8), outputs=4)
    probe.begin(phase)
    return probe


def separated(probe, z):
    return np.asarray(linear(probe.state.params["separator"]["layers"][0], z), np.float64)[:, 0]


@pytest.mark.parametrize("progress", [0.4, 0.6])
def test_separates_the_extremes_of_the_target(progress):
    """The trap: the ranks the wrong way round, which calls known what no coin takes for its class."""
    probe = probed()
    (source, target), y = together(probe), np.asarray(probe.batch.source.y)
    task = -np.mean(log_softmax(np.float64(logits(probe, source)), axis=1)[np.arange(len(y)), y])
    coins = np.float64(logits(probe, source, "coins"))
    signs = np.where(np.arange(3) == y[:, None], 1, -1)
    binary = -np.mean(np.sum(log_expit(signs * coins), axis=1))
    order = np.argsort(expit(np.float64(logits(probe, target, "coins"))).max(1))
    judged = separated(probe, target)
    extremes = -np.mean(log_expit(judged[order[-K:]])) - np.mean(log_expit(-judged[order[:K]]))
    expected = task + binary + (extremes if progress > 0.5 else 0)
    assert probe.value(progress=progress)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("progress", [0.4, 0.9])
def test_aligns_what_is_known_and_rejects_the_rest(progress):
    """The trap: the weight of the unknown in place of that of the known."""
    probe = probed(1)
    (source, target), y = together(probe), np.asarray(probe.batch.source.y)
    task = -np.mean(log_softmax(np.float64(logits(probe, source)), axis=1)[np.arange(len(y)), y])
    w, out = expit(separated(probe, target)), np.float64(logits(probe, target))
    critic = probe.state.params["critic"]["layers"][0]
    on_source, on_target = (np.asarray(linear(critic, z), np.float64)[:, 0] for z in (source, target))
    domain = -(np.mean(log_expit(on_source)) + np.average(log_expit(-on_target), weights=w)) / 2
    unsure = np.mean(w * entropy(softmax(out, axis=1), axis=1))
    rejected = -np.mean(log_softmax(out, axis=1)[np.argsort(w)[:K], 3])
    expected = task + 0.3 * domain + 0.1 * unsure + (0.3 * rejected if progress > 0.8 else 0)
    assert probe.value(progress=progress)[0] == pytest.approx(expected, rel=1e-4)
    assert moved(probe.state, probe.step()) == {"features", "head", "critic"}
