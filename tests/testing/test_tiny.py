"""The tiny tasks: each kind that the engine knows, small, the same at every call, and with something to learn."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from tlx.data.tree import leaves
from tlx.testing.tiny import INPUTS, LABELS, tiny_task


def table(x, data) -> np.ndarray:
    """x as one row of numbers a row; a word as the number of times that it comes."""
    if data.input.kind == "tokens":
        return np.eye(data.input.vocabulary)[x].sum(axis=1)
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves(x)], axis=1) / 255


@pytest.mark.parametrize("kind", INPUTS)
def test_kinds_of_input_can_be_learnt(kind):
    data, again = tiny_task(input=kind), tiny_task(input=kind)
    assert data.hash == again.hash and len(data.source.y) == 48 and len(data.test.y) == 27
    model = LogisticRegression(max_iter=1000).fit(table(data.source.x, data), data.source.y)
    assert model.score(table(data.source_val.x, data), data.source_val.y) >= 0.8
    assert 0.4 < model.score(table(data.test.x, data), data.test.y)


@pytest.mark.parametrize("kind", ["image", "vector", "sequence"])
def test_real_targets_can_be_learnt(kind):
    data = tiny_task(input=kind, real=True)
    assert data.target_kind == "real" and data.source.y.shape == (48, 1) and data.space.outputs == 1
    model = LinearRegression().fit(table(data.target.x, data)[:, ::2], data.labelled.y)
    assert model.score(table(data.test.x, data)[:, ::2], data.test.y) > 0.3


COUNTS = [(3, 3), (3, 2), (2, 3), (2, 2), (2, 1), (2, 3)]


@pytest.mark.parametrize(("space", "counts"), [*zip(LABELS, COUNTS, strict=True)])
def test_label_spaces(space, counts):
    data = tiny_task(space=space)
    assert data.space.kind == space and (len(set(data.source.y)), len(set(data.test.y))) == counts
    more = data.space.unknown or data.space.novel
    assert more == (data.test.y.max() == len(data.space.known))
    assert len(data.labelled.y) == {"discovery": 0, "incremental": 6}.get(space, np.sum(data.labelled.y < 3))


def test_sources_and_targets_are_numbered_and_dimmer_one_by_one():
    data = tiny_task(3, 2)
    light = [data.source.x[data.source.domain == number].mean() for number in range(3)]
    light += [data.test.x[data.test.domain == number].mean() for number in (3, 4)]
    assert light == sorted(light, reverse=True) and data.task.name == "bars0+bars1+bars2->dim_bars->dim_bars1"
