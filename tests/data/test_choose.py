"""The choice of rows: exactly k per class, the same for any order of the rows, and its known answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.data import choose_rows
from tlx.errors import DataError


def rows(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return y, np.array([f"toy/{row}" for row in range(len(y))])


@given(st.lists(st.integers(3, 12), min_size=1, max_size=5), st.integers(1, 3), st.randoms())
def test_it_takes_exactly_k_of_each_class_in_any_order(counts, k, random):
    y, origin = rows(counts)
    mark = choose_rows(y, origin, k, "salt")
    assert np.bincount(y[mark], minlength=len(counts)).tolist() == [k] * len(counts)
    order = np.array(random.sample(range(len(y)), len(y)))
    assert set(origin[order][choose_rows(y[order], origin[order], k, "salt")]) == set(origin[mark])


@given(st.integers(1, 9))
def test_more_rows_contain_fewer(k):
    y, origin = rows([10, 10])
    assert not np.any(choose_rows(y, origin, k, "salt") & ~choose_rows(y, origin, k + 1, "salt"))


def test_the_known_choice():
    y, origin = rows([20, 20])
    assert np.flatnonzero(choose_rows(y, origin, 2, "a")).tolist() == KNOWN
    assert np.flatnonzero(choose_rows(y, origin, 2, "b")).tolist() != KNOWN


def test_a_class_with_too_few_rows_is_named():
    with pytest.raises(DataError, match="Class 1 has 2 rows; expected 3 or more to choose from"):
        choose_rows(*rows([3, 2]), 3, "salt")


KNOWN = [12, 17, 23, 28]
