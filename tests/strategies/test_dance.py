"""Domain adaptive neighbourhood clustering."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from states import features

from tlx.testing import Probe
from tlx_strategies.dance import DANCE


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def probed(temperature=0.5, **facts):
    """A probe whose memory has been filled with some unit vectors."""
    probe = Probe(DANCE(weight=0.3, margin=0.2, temperature=temperature), **facts)
    state = probe.begin()
    memory = np.random.default_rng(5).normal(size=state.extra["memory"].shape)
    probe.state = state.put(memory=jnp.float32(unit(memory)))
    return probe


def reference(probe):
    """The loss by loops over rows, and the batch's unit features."""
    batch, memory = probe.batch, np.array(probe.state.extra["memory"], np.float64)
    source, target = (unit(np.float64(features(probe, rows.x))) for rows in (batch.source, batch.target))
    prototypes = unit(np.float64(probe.state.params["prototypes"]).T)
    index = np.asarray(batch.target.index)
    memory[index] = target
    task = -np.mean([log_softmax(prototypes @ f / 0.5)[y] for f, y in zip(source, batch.source.y, strict=True)])
    terms = []
    for f, own in zip(target, index, strict=True):
        cosines = np.concatenate([prototypes @ f, [memory[j] @ f if j != own else -1.0 for j in range(len(memory))]])
        off = abs(entropy(softmax(prototypes @ f / 0.5)) - np.log(3) / 2)
        terms.append(entropy(softmax(cosines / 0.5)) - (off if off > 0.2 else 0))
    return task + 0.3 * np.mean(terms), target


def test_is_the_entropy_over_neighbours_and_off_the_boundary():
    """The traps: a row as its own neighbour, at cosine 1; the memory's rows of the batch in place of the present."""
    probe = probed()
    expected, target = reference(probe)
    assert probe.value()[0] == pytest.approx(expected, rel=1e-4)
    index = probe.batch.target.index
    other = probe.state.put(memory=probe.state.extra["memory"].at[index].set(0.25))
    assert probe.value(state=other)[0] == pytest.approx(expected, rel=1e-4)
    seen = probe.seen().extra["memory"]
    np.testing.assert_allclose(seen[index], target, atol=1e-4)
    left = np.setdiff1d(np.arange(len(seen)), index)
    np.testing.assert_array_equal(seen[left], probe.state.extra["memory"][left])


def test_a_row_of_a_high_entropy_is_unknown_where_there_is_an_unknown():
    probe, plain = probed(0.15, outputs=4), probed(0.15)
    scored, known = np.asarray(probe.predict()), np.asarray(plain.predict())
    assert known.shape[1] == 3
    unsure = entropy(softmax(known, axis=1), axis=1) > np.log(3) / 2
    assert 0 < unsure.sum() < len(unsure)
    np.testing.assert_array_equal(scored.argmax(1), np.where(unsure, 3, known.argmax(1)))
