"""New classes by ranking statistics."""

import jax
import numpy as np
import pytest
from programs import at_phase
from scipy.special import log_softmax, softmax
from states import logits

from tlx_strategies.autonovel import AutoNovel

KNOWN, NEW = 3, 2


def probed(**settings):
    return at_phase(AutoNovel(top=2, **settings), outputs=KNOWN + NEW)


def seen(probe):
    """Of the two views: both heads' logits of the source and target rows in one pass, and the features."""
    batch, found = probe.batch, []
    x = np.concatenate([batch.source.x, batch.target.x])
    for key in jax.random.split(probe.context().key):
        z, _ = probe.model.features(probe.state, probe.model.augment(key, jax.numpy.asarray(x), "weak"))
        found.append([np.float64(logits(probe, z)), np.float64(logits(probe, z, "new")), np.asarray(z)])
    return found


def by_loops(probe, consistency, ramp, increment):
    (every, new, z), (every_2, new_2, _) = seen(probe)
    y = np.asarray(probe.batch.source.y)
    n, rows = len(y), len(every)
    task = -np.mean(log_softmax(every[:n], 1)[np.arange(n), y])
    p, p_2, total = softmax(new[n:], 1), softmax(new_2[n:], 1), 0.0
    largest = [set(np.argsort(-np.abs(row))[:2].tolist()) for row in z[n:]]
    for i in range(rows - n):
        for j in range(rows - n):
            agreement = p[i] @ p_2[j]
            total -= np.log(agreement if largest[i] == largest[j] else 1 - agreement)
    pairs = total / (rows - n) ** 2
    gap = np.mean((softmax(every, 1) - softmax(every_2, 1)) ** 2) + np.mean((softmax(new, 1) - softmax(new_2, 1)) ** 2)
    grown = -np.mean(log_softmax(every[n:], 1)[np.arange(rows - n), KNOWN + new[n:].argmax(1)])
    weight = np.exp(-5 * (1 - min(0.5 / ramp, 1)) ** 2)
    return task + pairs + weight * (consistency * gap + increment * grown)


@pytest.mark.parametrize(("consistency", "ramp", "increment"), [(5.0, 0.25, 0.05), (2.0, 0.8, 1.0)])
def test_is_the_papers_loss(consistency, ramp, increment):
    probe = probed(consistency=consistency, ramp=ramp, increment=increment)
    assert probe.value()[0] == pytest.approx(by_loops(probe, consistency, ramp, increment), rel=1e-3)


def test_source_labels_do_not_reach_the_new_head_and_pairs_do_not_reach_the_old():
    """The traps: the known classes' rows in the pairs; pseudo-labels in the numbers of the known classes."""
    probe = probed(consistency=0.0, increment=0.0)
    assert not np.any(probe.slope()["head"]["kernel"] - probe.slope(state=turned(probe))["head"]["kernel"])
    grown = probed(consistency=0.0, increment=100.0)
    before, after = grown.state, grown.step(20)
    batch = grown.batch.target.x

    def share(state):
        return np.mean(softmax(np.float64(grown.predict(batch, state=state)), 1)[:, KNOWN:].sum(1))

    assert share(after) > share(before) + 0.1


def turned(probe):
    return probe.state.put_params(new={name: -leaf for name, leaf in probe.state.params["new"].items()})
