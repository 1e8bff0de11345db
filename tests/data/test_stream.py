"""The order of a correlated stream."""

import numpy as np
import pytest

from tlx.data.prior import Dirichlet
from tlx.data.stream import correlated_order

Y = np.tile(np.arange(10, dtype=np.int32), 50)


def runs(y):
    """The number of runs of one class."""
    return 1 + int(np.count_nonzero(np.diff(y)))


@pytest.mark.parametrize("concentration", [1e-3, 0.1, 1.0, 100.0])
def test_every_row_comes_once_and_classes_come_in_runs(concentration):
    """The trap: a class that comes twice in a slot. At most slots x classes runs; 450 of 500 are of a shuffled one."""
    order = correlated_order(Y, concentration, "t")
    assert sorted(order.tolist()) == list(range(500)) and 10 <= runs(Y[order]) <= 100
    for label in range(10):
        own = order[Y[order] == label]
        assert own.tolist() == sorted(own.tolist()), "rows of a class keep their order"


def test_the_smaller_the_concentration_the_longer_the_runs():
    few, some, many = (runs(Y[correlated_order(Y, c, "t")]) for c in (1e-3, 0.1, 100.0))
    assert few < 15 < some < 60 < many


def test_a_class_is_spread_by_its_dirichlet_draw():
    """Against a loop: row i of 50 of class c is in the first slot whose cumulated share it does not exceed."""
    order, place, expected = correlated_order(Y, 0.5, "t"), {}, []
    slots = [str(slot) for slot in range(10)]
    shares = {label: Dirichlet(0.5).shares(slots, f"t {label}") for label in range(10)}
    for label in range(10):
        for number, row in enumerate(np.flatnonzero(Y == label)):
            place[row] = sum(number >= np.round(edge * 50) for edge in np.cumsum(shares[label])[:-1])
    expected = [place[row] for row in order.tolist()]
    assert expected == sorted(expected) and len(set(expected)) > 5


def test_the_salt_draws_another_order():
    assert not np.array_equal(correlated_order(Y, 0.1, "t"), correlated_order(Y, 0.1, "u"))
    assert np.array_equal(correlated_order(Y, 0.1, "t"), correlated_order(Y, 0.1, "t"))
