"""A teacher beside the student."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from states import running, same

from tlx import Strategy, strategy
from tlx.blocks import follow, teacher_logits, with_teacher
from tlx.testing import Probe


@strategy
class Nothing(Strategy):
    """A strategy of which only the model is used."""


def begun():
    model = Probe(Nothing()).model
    return model, model.init(jax.random.key(0))


@pytest.mark.parametrize("debias", [True, False])
def test_is_the_average_of_its_students(debias):
    """The trap: with a slow decay and few steps the average is mostly the first, random, net."""
    students = np.random.default_rng(0).normal(size=(5, 16, 3)).astype(np.float32)
    model, state = begun()
    head = state.params["head"]
    state = with_teacher(model, state.put_params(head={**head, "kernel": jnp.asarray(students[0])}), ("head",), debias)
    for student in students[1:]:
        state = follow(model, state.put_params(head={**head, "kernel": jnp.asarray(student)}), 0.9)
    weights = 0.1 * 0.9 ** np.arange(3, -1, -1)
    expected = np.tensordot(weights, students[1:], 1)
    expected = expected / weights.sum() if debias else expected + 0.9**4 * students[0]
    np.testing.assert_allclose(state.params["teacher_head"]["kernel"], expected, rtol=1e-4, atol=1e-6)
    assert set(state.params) == {"features", "head", "teacher_head"}


def test_has_statistics_of_its_own_or_is_handed_the_students():
    """The traps: a teacher in train mode that moves the student's statistics; another tree after a step."""
    model, state = begun()
    x = Probe(Nothing()).batch.target.x
    first = with_teacher(model, state)
    logits, seen = teacher_logits(model, first, x, train=True)
    assert not np.any(running(seen)) and np.any(running(seen, "teacher_features"))
    assert same(logits, model.classify(state, model.features(state, x)[0])[0])
    own, handed = (follow(model, seen, 0.5, statistics=hands) for hands in (False, True))
    assert same(running(own, "teacher_features"), running(seen, "teacher_features"))
    assert not np.any(running(handed, "teacher_features"))
    assert jax.tree.structure(own) == jax.tree.structure(handed) == jax.tree.structure(first)
