"""Rows of each kind of input, as a user gives them: none is changed in silence."""

import numpy as np
import pytest

from tlx.data.facts import Facts
from tlx.data.tree import map_leaves
from tlx.errors import DataError
from tlx.testing.tiny import tiny_task
from tlx.trained.rows import rows_of


def facts(kind):
    return Facts.of(tiny_task(input=kind))


@pytest.mark.parametrize("kind", ["vector", "sequence", "tokens", "tree"])
def test_rows_of_a_task_are_taken_as_they_are(kind):
    x = tiny_task(input=kind).test.x
    rows = rows_of(x, facts(kind))
    some, wrong = rows.read(np.array([3, 1]))
    assert len(rows) == 27 and wrong == {}
    map_leaves(lambda got, given: np.testing.assert_array_equal(got, given[[3, 1]]), some, x)


@pytest.mark.parametrize(
    ("kind", "x", "message"),
    [
        ("vector", [[1, 2], [3]], "x is no array"),
        ("vector", ["a.png"], r"x is <U5 \(1,\); the model takes rows of kind vector, float32 \[rows, 6\]"),
        ("vector", np.full((1, 6), 1e300), "6 values of x are not finite"),
        ("vector", np.zeros((0, 6)), "no row to predict"),
        ("tokens", np.full((1, 7), 1.5), "x is float64"),
        ("tokens", np.full((1, 7), 2**32 + 1), "x is int64"),
        ("tokens", np.full((1, 7), 12), "Tokens are 12 to 12; expected 0 to 11"),
        ("tree", np.zeros((1, 6)), "x is one array; the model takes first, others"),
        (
            "tree",
            {"first": np.zeros((1, 2)), "other": np.zeros((1, 4))},
            "x is first, other; the model takes first, ot",
        ),
        ("tree", {"first": np.zeros((1, 2)), "others": np.zeros((2, 4))}, r"have \[1, 2\] rows"),
    ],
)
def test_what_does_not_fit_is_refused(kind, x, message):
    with pytest.raises(DataError, match=message):
        rows_of(x, facts(kind))
