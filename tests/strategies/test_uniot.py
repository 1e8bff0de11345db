"""Unified optimal transport."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import ot
import pytest
from scipy.special import log_softmax

from tlx.testing import Probe
from tlx_strategies.uniot import UniOT

KEY = jax.random.key(3)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def probed(**settings):
    probe = Probe(UniOT(hidden=(8,), size=6, clusters=4, **settings), outputs=4)
    probe.begin()
    return probe


def pots(cosines, shares):
    """POT's plan, as shares of its mass."""
    rows = np.full(len(cosines), 1 / len(cosines))
    plan = ot.unbalanced.sinkhorn_knopp_unbalanced(
        rows, shares, -np.float64(cosines), 0.01, 0.5, c=np.ones_like(cosines), numItermax=5000, stopThr=1e-10
    )
    return np.asarray(plan) / np.asarray(plan).sum()


@pytest.mark.parametrize("near", [-1.0, 0.999])
def test_confident_rows_and_classes_are_those_of_pots_plan(near):
    """The traps: classes that the target lacks, of little mass, as labels; rows filled up that count as rows.

    Twice as many rows as there are take part where none is like a prototype, or all are, and confident ones can be had.
    """
    probe, random = probed(near=near), np.random.default_rng(0)
    prototypes = unit(random.normal(size=(6, 3)).T).T
    z = unit(np.concatenate([prototypes.T[[0] * 7 + [1] * 3], np.zeros((10, 6))]) + 0.4 * random.normal(size=(20, 6)))
    strategy: Any = probe.strategy
    run = jax.jit(strategy.detected)
    confident, label, state = run(probe.state, jnp.float32(z), jnp.float32(prototypes), KEY)
    g, log_mass, rows = map(np.asarray, state.extra["plan"])
    assert rows == 40
    shares = np.asarray(state.extra["shares"], np.float64)
    assert shares.sum() == pytest.approx(1, rel=1e-4) and not np.allclose(shares, 1 / 3, atol=0.005)
    masses = (shares - 0.7 / 3) / 0.3
    assert set(np.asarray(label)[np.asarray(confident)]) <= set(np.flatnonzero(masses >= 1 / 3 - 1e-4))
    # by the column scalings alone a row has what the plan of all rows gives it
    scaled = z @ prototypes / 0.01
    f = 0.5 / 0.51 * (-np.log(rows) - np.log(np.exp(g[None] + scaled).sum(1)))
    top = np.exp(f[:, None] + g[None] + scaled - log_mass).max(1)
    inside = np.asarray(masses >= 1 / 3)[np.argmax(g[None] + scaled, axis=1)]
    np.testing.assert_array_equal(confident, (top > 1 / rows) & inside)


def test_without_rows_to_fill_up_it_is_pots_plan():
    probe, random = probed(near=0.5), np.random.default_rng(1)
    prototypes = np.eye(6)[:, :3]
    rows = np.concatenate([prototypes.T[[0] * 6 + [1] * 4], np.eye(6)[[3, 4] * 5]])
    z = unit(rows + 0.1 * random.normal(size=(20, 6)))
    strategy: Any = probe.strategy
    confident, label, state = jax.jit(strategy.detected)(probe.state, jnp.float32(z), jnp.float32(prototypes), KEY)
    plan = pots(z @ prototypes, np.full(3, 1 / 3))
    assert float(state.extra["plan"][2]) == 20
    np.testing.assert_allclose(state.extra["shares"], 0.7 / 3 + 0.3 * plan.sum(0), rtol=2e-3)
    known = (plan.sum(0) >= 1 / 3)[plan.argmax(1)]
    np.testing.assert_array_equal(confident, (plan.max(1) > 1 / 20) & known)
    np.testing.assert_array_equal(np.asarray(label)[:10], plan.argmax(1)[:10])


def test_clusters_of_a_row_and_of_its_neighbour_are_swapped():
    """The trap: a row as its own nearest neighbour, in the batch or as the memory holds it."""
    probe, random = probed(), np.random.default_rng(2)
    z, index = unit(random.normal(size=(5, 6))), np.array([3, 9, 1, 4, 0])
    memory = unit(random.normal(size=(24, 6)))
    memory[:5], places = z, np.r_[index, np.full(19, -1)]  # the memory holds the batch's own rows
    state = probe.state.put(memory=jnp.float32(memory), index=jnp.asarray(places, jnp.int32))
    strategy: Any = probe.strategy
    found = jax.jit(strategy.discovery)(state, jnp.float32(z), jnp.asarray(index, jnp.int32), KEY)
    clusters = unit(np.float64(state.params["clusters"]).T).T
    others = np.concatenate([memory, z])
    nearest = [
        max((j for j in range(29) if np.r_[places, index][j] != own), key=lambda j, f=f: others[j] @ f)
        for f, own in zip(z, index, strict=True)
    ]
    drawn = memory[np.asarray(jax.random.randint(KEY, (4,), 0, 24))]
    cosines = np.concatenate([z, others[nearest], drawn]) @ clusters
    q = np.exp(cosines / 0.05)
    for _ in range(3):
        q /= q.sum(0, keepdims=True)
        q /= q.sum(1, keepdims=True)
    log_p = log_softmax(cosines / 0.1, axis=1)
    total = 0.0
    for i in range(5):
        total -= q[i] @ log_p[i] + (q[5 + i] @ log_p[i] + q[i] @ log_p[5 + i]) / 2
    assert float(found) == pytest.approx(total / 5 / 2, rel=1e-3)


def test_source_rows_are_learned_and_the_memory_takes_the_batch():
    probe = probed(weight=0.0)
    value, metrics = probe.value()
    assert value == pytest.approx(metrics["task"]) and metrics["detection"] >= 0 and metrics["discovery"] > 0
    assert probe.value(progress=0.0)[1]["detection"] == 0
    seen, index = probe.seen().extra, probe.batch.target.index
    np.testing.assert_array_equal(seen["index"][-len(index) :], index)
    np.testing.assert_allclose(np.linalg.norm(seen["memory"], axis=1), 1, rtol=1e-5)
    assert probe.predict().shape == (16, 4)
