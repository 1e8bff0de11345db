"""Reliable rows, and what the source knows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, entropies, probabilities, shifted
from states import features, logits, moved_layers, same

from tlx.contract import Online
from tlx_strategies.eata import EATA


@pytest.mark.slow
def test_fisher_information_is_the_mean_square_of_the_batches_gradients():
    """The traps: gradients to the true labels; the square of the mean gradient."""
    probe = at_phase(EATA(), 1)
    assert probe.phases[1].objectives == () and probe.phases[1].sees == {"source"}
    state, squares = probe.state, []

    def loss(scale, x, own):
        net = probe.state.params["features"]
        moved = probe.state.put_params(features={**net, "bn": {**net["bn"], "scale": scale}})
        log_p = jax.nn.log_softmax(logits(probe, probe.model.features(moved, x)[0]))
        return -jnp.mean(log_p[jnp.arange(len(x)), own])

    rows = probe.batch.source
    for x in (rows.x[:8], rows.x[8:]):
        probe.batch = probe.batch._replace(source=rows._replace(x=x))
        own = logits(probe, features(probe, x)).argmax(1)
        squares.append(np.square(jax.grad(loss)(state.params["features"]["bn"]["scale"], x, own)))
        state = probe.step(state=state)
    np.testing.assert_allclose(state.extra["fisher"]["bn"]["scale"], np.mean(squares, 0), rtol=1e-3, atol=1e-7)
    assert same(state.params, probe.state.params)


def test_weighs_and_keeps_rows():
    """The traps: the Fisher information of zeros; a mean over all rows; a memory of all rows instead of the kept."""
    probe = at_phase(EATA(margin=0.9, overlap=0.9), 2)
    state = probe.state
    assert state.extra["batches"] == 3 and all(np.any(leaf) for leaf in jax.tree.leaves(state.extra["fisher"]["bn"]))
    assert same(state.extra["origin"], state.params["features"])
    seen = jnp.array([0.8, 0.1, 0.1])
    head = jax.tree.map(lambda leaf: 4 * leaf, state.params["head"])  # so that some rows are certain
    state = shifted(state).put_params(head=head).put(seen=seen)
    p = probabilities(probe, probe.batch.target.x, state=state)
    limit = 0.9 * np.log(3)
    cosine = p @ np.float64(seen) / np.linalg.norm(p, axis=1) / np.linalg.norm(seen)
    kept = (entropies(p) < limit) & (np.abs(cosine) < 0.9)
    assert 0 < kept.sum() < len(p)
    loss, metrics = probe.value(state=state)
    weighed = np.exp(limit - entropies(p)) * entropies(p)
    assert metrics["entropy"] == pytest.approx(np.mean(weighed[kept]), rel=1e-3)
    away = sum(float(0.01 * leaf.sum()) for leaf in jax.tree.leaves(state.extra["fisher"]))
    assert metrics["away"] == pytest.approx(away, rel=1e-2)
    assert loss == pytest.approx(metrics["entropy"] + away, rel=1e-3)
    after = probe.seen(state=state)
    np.testing.assert_allclose(after.extra["seen"], 0.9 * seen + 0.1 * p[kept].mean(0), rtol=1e-3)


def test_moves_normalisation_layers_only_and_predicts_before_the_step():
    probe = at_phase(EATA(margin=1.0, overlap=2.0), 2)
    assert moved_layers(probe.state, probe.step()) == {"bn"} and probe.phases[2].online == Online("before")
