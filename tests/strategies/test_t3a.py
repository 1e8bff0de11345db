"""Prototypes that follow the stream."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from programs import at_phase, entropies
from scipy.special import softmax
from states import features, logits, same

from tlx import ContractError
from tlx.contract import Online
from tlx.testing import Probe
from tlx_strategies.t3a import T3A


def unit(x):
    return x / np.linalg.norm(np.float64(x), axis=1, keepdims=True)


def test_classifies_by_the_certain_rows_of_each_class():
    """The traps: a class whose own column is dropped although nothing is surer; rows of other classes; a step."""
    probe = at_phase(T3A(keep=3))
    assert probe.phases[1].online == Online("after") and probe.phases[1].objectives == ()
    after = probe.step()
    assert same(after.params, probe.state.params) and same(after.stats, probe.state.stats)
    w = np.asarray(probe.state.params["head"]["kernel"]).T
    z = np.concatenate([w, features(probe, probe.batch.target.x, train=False)])
    p = softmax(np.float64(logits(probe, z)), 1)
    labels, doubt = np.concatenate([np.arange(3), p[3:].argmax(1)]), entropies(p)
    columns = []
    for label in range(3):
        own = np.flatnonzero(labels == label)
        total = unit(z[own[np.argsort(doubt[own])[:3]]]).sum(0)
        columns.append(total / np.linalg.norm(total))
    np.testing.assert_allclose(probe.predict(state=after), z[3:] @ np.stack(columns, 1), rtol=1e-3, atol=1e-4)


def test_begins_as_the_classifier_of_unit_columns():
    probe = at_phase(T3A())
    z = features(probe, probe.batch.target.x, train=False)
    expected = z @ unit(np.asarray(probe.state.params["head"]["kernel"]).T).T
    np.testing.assert_allclose(probe.predict(), expected, rtol=1e-4, atol=1e-5)
    one = T3A().predict(probe.model, probe.state, probe.batch.target.x[:1])
    np.testing.assert_allclose(one, expected[:1], rtol=1e-4, atol=1e-5)  # a batch of one row


class Deep(nnx.Module):
    """A backbone with a classifier of two layers."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 4
        self.fc = nnx.Linear(64, 4, rngs=rngs)

    def __call__(self, x):
        return jnp.tanh(self.fc(x.reshape(len(x), -1)))

    def head(self, width, outputs, rngs):
        return nnx.Sequential(nnx.Linear(width, 5, rngs=rngs), nnx.Linear(5, outputs, rngs=rngs))


def test_needs_a_linear_classifier():
    probe = Probe(T3A(), Deep)
    with pytest.raises(ContractError, match=r"T3A: the classifier has layers; expected one linear layer, .* \[4, 3\]"):
        probe.begin(1)
