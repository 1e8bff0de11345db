"""Auxiliary target domain-oriented classifier."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from terms import CLASSES, INDEX, OUTPUTS, ROWS, WIDTH, N, begun, check_target_only, term

from tlx_strategies.atdoc import ATDOC


def test_term_is_of_the_target():
    check_target_only(begun(ATDOC(neighbours=2)))


def test_remembers_rows_by_their_place():
    """The traps: a memory by place in the batch; a label by the classifier where its neighbours say another."""
    probe = begun(ATDOC(neighbours=1))
    unit = np.asarray(OUTPUTS.target / np.linalg.norm(OUTPUTS.target, axis=1, keepdims=True))
    away = [int(i) for i in set(range(ROWS)) - set(np.asarray(INDEX).tolist())]
    memory = {"features": -jnp.ones((ROWS, WIDTH)), "p": jnp.zeros((ROWS, CLASSES)).at[:, 2].set(0.7)}
    memory = {"features": memory["features"].at[away[0]].set(unit[0]), "p": memory["p"].at[away[0]].set([0.9, 0, 0])}
    found = term(probe, progress=0.5, state=probe.state.put(memory=memory))
    near = [0 if unit[i] @ unit[0] > unit[i] @ -np.ones(WIDTH) else 2 for i in range(N)]
    trust = np.array([0.9 if label == 0 else 0.7 for label in near])
    log_p = log_softmax(np.float64(OUTPUTS.target_logits), 1)
    expected = -np.sum(trust * log_p[np.arange(N), near]) / trust.sum()
    assert {0, 2} == set(near) and found.value == pytest.approx(0.5 * expected, rel=1e-4)
    p, seen = softmax(np.float64(OUTPUTS.target_logits), 1) ** 2, found.state.extra["memory"]
    np.testing.assert_allclose(seen["features"][INDEX], unit, rtol=1e-5)
    np.testing.assert_allclose(seen["p"][INDEX], p / p.sum(0), rtol=1e-4)
    np.testing.assert_array_equal(seen["p"][jnp.array(away)], memory["p"][jnp.array(away)])


def test_memory_starts_with_features_of_either_sign():
    """The authors' starts with uniform ones, all positive: near 3/4 in the cosine, where these are at right angles."""
    memory = np.asarray(begun(ATDOC()).state.extra["memory"]["features"])
    theirs = np.random.default_rng(0).uniform(size=(ROWS, WIDTH))
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    means = [np.mean((rows @ rows.T)[~np.eye(ROWS, dtype=bool)]) for rows in (memory, theirs)]
    np.testing.assert_allclose(np.linalg.norm(memory, axis=1), 1, rtol=1e-5)
    assert means == [pytest.approx(0, abs=0.1), pytest.approx(0.77, abs=0.01)]
