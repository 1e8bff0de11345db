"""Cluster accuracy, against all assignments one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.score import assigned, cluster_accuracy, main_metric, main_score


def best(outputs, y, classes):
    """The largest part of rows that any renumbering of the outputs puts right."""
    return max(np.mean(np.asarray(order)[outputs] == y) for order in itertools.permutations(range(classes)))


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_is_the_best_of_all_assignments(seed, classes):
    random = np.random.default_rng(seed)
    logits, y = random.normal(size=(30, classes)), random.integers(0, classes, 30)
    found = cluster_accuracy(logits, y)
    assert found == pytest.approx(best(logits.argmax(1), y, classes)) == main_score("new", logits, y)
    np.testing.assert_array_equal(np.sort(assigned(logits, y), 1), np.sort(logits, 1))


def test_names_do_not_matter_and_merged_classes_do():
    """The traps: the greedy choice, by which two classes get one output; the accuracy of outputs by their number."""
    y = np.repeat([2, 3, 4], [50, 30, 20])
    assert cluster_accuracy(np.eye(5)[np.array([0, 0, 4, 2, 3])[y]], y) == 1.0
    assert cluster_accuracy(np.eye(5)[np.array([0, 0, 1, 1, 4])[y]], y) == pytest.approx(0.7)
    # output 0 has 26 rows of class 2 and 24 of class 3, output 1 has 24 of class 2 alone
    outputs, y = np.repeat([0, 0, 1], [26, 24, 24]), np.repeat([2, 3, 2], [26, 24, 24])
    assert cluster_accuracy(np.eye(5)[outputs], y) == pytest.approx(48 / 74)


def test_rows_that_are_not_finite_are_wrong():
    y = np.array([1, 1, 2, 2])
    logits = np.eye(3)[[0, 0, 1, 1]]
    logits[0] = np.nan
    assert cluster_accuracy(logits, y) == 0.75 and main_metric("new") == "cluster"
