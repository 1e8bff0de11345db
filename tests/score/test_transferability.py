import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from tlx import DataError
from tlx.score import Pair, weighted_kendall

X, Y = np.eye(4, 3, dtype=np.float32), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((X, Y[:3]), "target: features and labels are"),
        ((X, Y, X), "source: features and labels are"),
        ((X * np.nan, Y), "not finite"),
        ((X, Y * 0), "of one class"),
        ((X, Y, X[:, :2], Y), "are 2 and 3 wide"),
    ],
)
def test_what_does_not_fit(arguments, told):
    with pytest.raises(DataError, match=told):
        Pair(*arguments)


def by_hand(one: np.ndarray, other: np.ndarray) -> float:
    """Pairs weighed by 1/(r+1) + 1/(s+1), once with ranks by each variable."""

    def tau(ranks: np.ndarray) -> float:
        weights = 1 / (ranks[:, None] + 1) + 1 / (ranks + 1)
        first, second = np.sign(one[:, None] - one), np.sign(other[:, None] - other)
        off = weights * (1 - np.eye(len(one)))
        scale = np.sqrt((off * first**2).sum() * (off * second**2).sum())
        return float((off * first * second).sum() / scale)

    ranks = [rankdata(-values, "ordinal") - 1 for values in (one, other)]
    return float(np.mean([tau(rank) for rank in ranks]))


@given(st.permutations(range(6)))
def test_weighted_kendall_by_hand(order):
    one, other = np.arange(6.0), np.array(order, float)
    assert weighted_kendall(list(one), list(other)) == pytest.approx(by_hand(one, other))


def test_weighted_kendall_of_too_little():
    assert weighted_kendall([1.0], [0.5]) is None
    assert weighted_kendall([1.0, 1.0], [0.5, 0.6]) is None
    assert weighted_kendall([1.0, 2.0], [0.5, 0.6]) == pytest.approx(1.0)
