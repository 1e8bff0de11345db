"""Adaptation on the test stream: what moves, what is remembered, and whose statistics normalise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tlx.ops import laplacian_adjusted, neighbour_affinity
from tlx_strategies.bn_adapt import BNAdapt
from tlx_strategies.cotta import CoTTA
from tlx_strategies.eata import EATA
from tlx_strategies.lame import LAME


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def trained(engine, strategy, until: int = 1):
    """A run at the start of its phase `until`."""
    run = engine(strategy)
    for phase in range(until):
        run.enter(phase)
        run.round()
    return run, run.enter(until)


@pytest.mark.parametrize("strategy", [LAME(neighbours=3, iterations=5), BNAdapt()])
def test_no_parameter_moves(engine, strategy):
    """The trap: a step in a phase without objectives; statistics that take over the stream's."""
    run, before = trained(engine, strategy)
    assert same(run.online(), before)
    x = run.batch_of_test(run.recipe.batch)
    np.testing.assert_allclose(
        run.logits[: len(x)], strategy.predict(run.model, before, x), rtol=1e-4, atol=1e-5, err_msg="the first batch"
    )


def test_lame_smooths_the_source_models_predictions(engine):
    """The trap: predictions by batch statistics; the method is about the output alone."""
    strategy = LAME(neighbours=3, iterations=5)
    run, state = trained(engine, strategy)
    x = run.batch_of_test(12)
    features, _ = run.model.features(state, x, train=False)
    log_p = log_softmax(run.model.logits(state, features), 1)
    expected = laplacian_adjusted(log_p, neighbour_affinity(features, 3), 5)
    np.testing.assert_allclose(strategy.predict(run.model, state, x), expected, rtol=1e-4, atol=1e-5)


def test_bn_adapt_mixes_the_statistics_by_rows(engine):
    """A prior of 24 rows and a batch of 8 count 3 to 1; none, and an endless one, are the two modes of batch norm."""
    run, state = trained(engine, BNAdapt())
    x, part, extra = run.batch_of_test(8), state.params["features"], state.extra["features"]["bn"]
    h = np.asarray(x.reshape(8, -1) @ part["fc"]["kernel"] + part["fc"]["bias"], np.float64)
    mean, var = 0.75 * extra["mean"] + 0.25 * h.mean(0), 0.75 * extra["var"] + 0.25 * h.var(0)
    z = np.maximum((h - mean) / np.sqrt(var + 1e-5) * part["bn"]["scale"] + part["bn"]["bias"], 0)
    got = BNAdapt(prior=24.0).predict(run.model, state, x)
    np.testing.assert_allclose(got, run.model.logits(state, z), rtol=1e-3, atol=1e-4)
    for prior, train in ((0.0, True), (1e9, False)):
        features, _ = run.model.features(state, x, train=train)
        got = BNAdapt(prior=prior).predict(run.model, state, x)
        np.testing.assert_allclose(got, run.model.logits(state, features), rtol=1e-3, atol=1e-4)


def test_eata_weighs_and_keeps_rows(engine):
    """The traps: the Fisher information of zeros; a mean over all rows; a memory of all rows instead of the kept."""
    strategy = EATA(margin=0.9, overlap=0.9)
    run, state = trained(engine, strategy, 2)
    assert state.extra["batches"] == 3 and all(np.any(leaf) for leaf in jax.tree.leaves(state.extra["fisher"]["bn"]))
    assert same(state.extra["origin"], state.params["features"])
    moved = jax.tree.map(lambda leaf: leaf + 0.1, state.params["features"])
    seen = jnp.array([0.8, 0.1, 0.1])
    state = state._replace(params={**state.params, "features": moved}, extra={**state.extra, "seen": seen})
    (objective,) = run.phases[2].objectives
    found = run.measured(objective, state)
    features, _ = run.model.features(state, run.batch().target.x)
    p = softmax(np.float64(run.model.logits(state, features)), 1)
    entropy, limit = -np.sum(p * np.log(p), 1), 0.9 * np.log(3)
    cosine = p @ seen / np.linalg.norm(p, axis=1) / np.linalg.norm(seen)
    kept = (entropy < limit) & (np.abs(cosine) < 0.9)
    assert 0 < kept.sum() < len(p)
    assert found["entropy"] == pytest.approx(np.mean((np.exp(limit - entropy) * entropy)[kept]), rel=1e-3)
    away = sum(float(0.01 * leaf.sum()) for leaf in jax.tree.leaves(state.extra["fisher"]))
    assert found["away"] == pytest.approx(away, rel=1e-2)
    assert found["loss"] == pytest.approx(found["entropy"] + away, rel=1e-3)
    _, after, _ = objective.loss(state, run.batch(), None)
    np.testing.assert_allclose(after.extra["seen"], 0.9 * seen + 0.1 * p[kept].mean(0), rtol=1e-3)


def test_eata_moves_normalisation_layers_only(engine):
    run, before = trained(engine, EATA(margin=1.0, overlap=2.0), 2)
    after = run.online()
    assert same(before.params["features"]["fc"], after.params["features"]["fc"])
    assert same(before.params["head"], after.params["head"])
    assert not same(before.params["features"]["bn"], after.params["features"]["bn"])


def test_cotta_begins_at_the_source_and_can_return_there(engine):
    """The traps: a teacher restored with the student; a student whose own labels are augmented for nothing."""
    run, before = trained(engine, CoTTA(restore=1.0, decay=0.5, views=2))
    after = run.online()
    assert same(after.params, before.params), "every weight is restored"
    still = engine(CoTTA(restore=1.0, threshold=0.0, views=2))
    still.state = before
    still.enter(1)
    features, _ = run.model.features(before, run.batch().target.x)
    p = softmax(np.float64(run.model.logits(before, features)), 1)
    found = still.measured(still.phases[1].objectives[0], still.state)
    assert found["loss"] == pytest.approx(-np.mean(np.sum(p * np.log(p), 1)), rel=1e-3)
    assert found["certainty"] == pytest.approx(p.max(1).mean(), rel=1e-3)
    viewed = run.measured(run.phases[1].objectives[0], before)
    assert viewed["loss"] != pytest.approx(found["loss"], rel=1e-3), "below the threshold the views are averaged"


def test_cotta_predicts_by_the_teacher(engine):
    run, before = trained(engine, CoTTA(restore=0.0, decay=0.5, views=2))
    after = run.online()
    teacher = after.extra["teacher"]["params"]
    assert not same(after.params, before.params) and not same(teacher, before.params)
    x = run.batch_of_test(8)
    features, _ = run.model.features(after._replace(params=teacher), x)
    expected = run.model.logits(after._replace(params=teacher), features)
    np.testing.assert_allclose(run.strategy.predict(run.model, after, x), expected, rtol=1e-4, atol=1e-5)
