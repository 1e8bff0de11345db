"""Multiple feature spaces adaptation network."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import softmax
from states import cross_entropy, linear, logits, moved, together

from tlx.testing import Probe
from tlx_strategies.mfsan import MFSAN


def mmd(x, y):
    """The biased MMD^2 of five Gaussians by all pairs, bandwidths 2^k times the mean squared distance, k = -3..1."""
    both = np.concatenate([x, y])
    squared = ((both[:, None] - both[None]) ** 2).sum(-1)
    kernel = np.sum([np.exp(-squared / (2.0**k * 2 * squared.mean())) for k in range(-3, 2)], 0)
    n = len(x)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def space(params, x):
    """Linear, batch norm of these rows, ReLU."""
    z = np.asarray(linear(params["fc"], x), np.float64)
    return np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), 0)


def parts(probe):
    """By plain NumPy: the task, the mean of each space's MMD, and how far the classifiers are apart on the target."""
    source, target = together(probe)
    y, task, gaps, on_target = np.split(np.asarray(probe.batch.source.y), 4), [], [], []
    for d, rows in enumerate(np.split(source, 4)):
        z = space(probe.state.params[f"space{d}"], np.concatenate([rows, target]))
        own, others = np.split(z, [len(rows)])
        task.append(cross_entropy(logits(probe, own, f"head{d}"), y[d].tolist()))
        gaps.append(mmd(own, others))
        on_target.append(softmax(np.asarray(logits(probe, others, f"head{d}")), 1))
    apart = [np.abs(one - other).mean() for one, other in combinations(on_target, 2)]
    return np.mean(task), np.mean(gaps), np.mean(apart)


def test_each_source_has_a_space_where_it_meets_the_target():
    """The traps: one space for all sources, or the union of the sources against the target."""
    probe = Probe(MFSAN(weight=0.7, gamma=4.0, width=5), domains=4)
    probe.begin()
    task, gap, apart = parts(probe)
    ramp = 0.7 * (2 / (1 + np.exp(-4.0 * 0.3)) - 1)
    loss, metrics = probe.value(progress=0.3)
    assert metrics == pytest.approx({"task": task, "mmd": gap, "apart": apart}, rel=1e-3)
    assert loss == pytest.approx(task + ramp * (gap + apart), rel=1e-3) and probe.value(progress=0)[0] < loss
    assert probe.phases[0].draw == {"source": "domain"}


def test_predicts_by_the_mean_of_probabilities_and_not_of_logits():
    """The trap: a classifier that is far off and sure outvotes the others where logits are added."""
    probe = Probe(MFSAN(width=5), domains=2)
    state = probe.begin()
    head = state.params["head0"]
    state = state.put_params(head0={**head, "bias": head["bias"] + np.array([50, 0, 0], np.float32)})
    alone = state.put_params(space0=state.params["space1"], head0=state.params["head1"])
    alone = alone.put_stats(space0=state.stats["space1"])
    found, second = (softmax(np.asarray(probe.predict(state=each)), 1) for each in (state, alone))
    np.testing.assert_allclose(found, (second + np.array([1, 0, 0])) / 2, atol=1e-4)


def test_moves_all_but_the_head_that_is_not_used():
    probe = Probe(MFSAN(width=5), domains=2)
    before = probe.begin()
    assert moved(before, probe.step()) == {"features", "space0", "space1", "head0", "head1"}


def test_one_source_has_no_other_classifier_to_agree_with():
    probe = Probe(MFSAN(width=5))
    probe.begin()
    loss, metrics = probe.value()
    assert metrics["apart"] == 0 and np.isfinite(loss)
