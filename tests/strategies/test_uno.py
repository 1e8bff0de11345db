"""A unified objective for new classes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase
from scipy.special import log_softmax

from tlx_strategies.uno import UNO

KNOWN, NEW = 3, 2


def probed(**settings):
    return at_phase(UNO(hidden=(8,), size=6, **settings), outputs=KNOWN + NEW)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cosines(probe, z, name):
    """By NumPy, of features in one pass in train mode."""
    params = probe.state.params
    g, _ = probe.model.apply(probe.state, f"{name}_projection", z)
    known = unit(np.float64(z)) @ unit(np.float64(params["known"]).T).T
    return np.concatenate([known, unit(np.float64(g)) @ unit(np.float64(params[name]).T).T], 1)


def sinkhorn_knopp(logits, epsilon=0.05, iterations=3):
    """As the algorithm is written: classes are scaled to 1 / K, then rows to 1 / B."""
    q = np.exp(logits / epsilon).T
    for _ in range(iterations):
        q /= q.sum(1, keepdims=True) * len(q)
        q /= q.sum(0, keepdims=True) * q.shape[1]
    return q.T * q.shape[1]


def by_numpy(probe):
    batch, temperature = probe.batch, 0.1
    x, y = jnp.concatenate([batch.source.x, batch.target.x]), np.asarray(batch.source.y)
    keys = jax.random.split(probe.context().key)
    views = [probe.model.features(probe.state, probe.model.augment(key, x, "weak"))[0] for key in keys]
    found = []
    for name in ("new", "over"):
        logits = [cosines(probe, z, name) for z in views]
        wanted = []
        for view in logits:
            label = np.zeros_like(view)
            label[np.arange(len(y)), y] = 1
            label[len(y) :, KNOWN:] = sinkhorn_knopp(view[len(y) :, KNOWN:])
            wanted.append(label)
        swapped = [-np.mean(np.sum(wanted[1 - v] * log_softmax(logits[v] / temperature, 1), 1)) for v in (0, 1)]
        found.append(np.mean(swapped))
    return np.mean(found)


def test_is_the_swapped_cross_entropy_of_all_classes():
    """The traps: each view's own assignment as its label; assignments over source rows too; a softmax for each head."""
    probe = probed()
    assert probe.value()[0] == pytest.approx(by_numpy(probe), rel=1e-3)


def test_pretraining_leaves_the_new_classes_out():
    probe = at_phase(UNO(hidden=(8,), size=6), 0, outputs=KNOWN + NEW)
    slope = probe.slope()
    assert np.any(slope["known"]) and not np.any(slope["new"]) and not np.any(slope["over"])
    assert np.asarray(probe.predict()).shape == (len(probe.batch.target.index), KNOWN + NEW)
