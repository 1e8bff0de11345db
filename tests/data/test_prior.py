"""Priors of classes: shares by their definitions, Dirichlet's by scipy's distributions, counts by their bounds."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tlx.data import Dirichlet, LongTail, Pareto, Tweaked, class_shares
from tlx.data.shares import class_counts
from tlx.errors import DataError

CLASSES = tuple("abcde")
ALPHAS = st.floats(1e-3, 1e3)
PRIORS = st.one_of(
    ALPHAS.map(Dirichlet),
    st.builds(LongTail, st.floats(1, 1e4), st.booleans()),
    st.floats(0, 5).map(Pareto),
    st.builds(Tweaked, st.sampled_from(CLASSES), st.floats(0, 1)),
    st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any).map(lambda w: tuple(x / sum(w) for x in w)),
)


@given(PRIORS, st.text(max_size=5))
def test_shares_are_a_distribution_and_the_same_each_time(prior, salt):
    shares = class_shares(prior, CLASSES, salt)
    assert shares.shape == (5,) and (shares >= 0).all() and shares.sum() == pytest.approx(1)
    assert np.array_equal(shares, class_shares(prior, CLASSES, salt))


@pytest.mark.parametrize("alpha", [0.05, 1.0, 20.0])
def test_dirichlet_shares_have_its_marginals(alpha):
    shares = np.array([Dirichlet(alpha).shares(CLASSES, str(seed)) for seed in range(1000)])
    for place in range(5):
        assert stats.kstest(shares[:, place], stats.beta(alpha, 4 * alpha).cdf).pvalue > 1e-3
    assert np.cov(shares.T) == pytest.approx(stats.dirichlet([alpha] * 5).cov(), abs=0.02)


def test_a_dirichlet_that_underflows_has_one_class():
    for seed in range(20):
        assert Dirichlet(1e-4).shares(CLASSES, str(seed)).max() == pytest.approx(1, abs=0.2)


def test_a_class_keeps_its_part_of_a_dirichlet_whatever_the_others():
    five, two = Dirichlet(0.7).shares(CLASSES, "s"), Dirichlet(0.7).shares(("d", "b"), "s")
    assert five[3] / five[1] == pytest.approx(two[0] / two[1])


def test_profiles():
    assert LongTail(16).shares(CLASSES, "") == pytest.approx(np.array([16, 8, 4, 2, 1]) / 31)
    assert LongTail(16, reverse=True).shares(CLASSES, "") == pytest.approx(np.array([1, 2, 4, 8, 16]) / 31)
    assert Tweaked("b", 0.6).shares(CLASSES, "") == pytest.approx([0.1, 0.6, 0.1, 0.1, 0.1])


def test_pareto_ranks_are_drawn_by_the_seed():
    expected = np.arange(1, 6) ** -1.5 / np.sum(np.arange(1, 6) ** -1.5)
    drawn = np.array([Pareto(1.5).shares(CLASSES, str(seed)) for seed in range(300)])
    np.testing.assert_allclose(-np.sort(-drawn, 1), np.broadcast_to(expected, drawn.shape))
    assert np.bincount(drawn.argmax(1), minlength=5) == pytest.approx(60, abs=25)
    assert Pareto(0.0).shares(CLASSES, "") == pytest.approx(0.2)


@given(PRIORS, st.lists(st.integers(20, 500), min_size=5, max_size=5), st.text(max_size=5))
def test_as_many_rows_as_there_are(prior, available, salt):
    shares, available = class_shares(prior, CLASSES, salt), np.array(available)
    counts = class_counts(shares, available, None, CLASSES)
    total = counts.sum()
    assert (counts <= available).all() and (counts[shares == 0] == 0).all()
    assert np.abs(counts - shares * total).max() <= 1 + 1e-6
    assert (shares * (total + 2) > available - 1e-6).any()  # two rows more would ask for more than some class has


@given(PRIORS, st.integers(1, 20), st.text(max_size=5))
def test_so_many_rows_as_are_asked_for(prior, rows, salt):
    shares = class_shares(prior, CLASSES, salt)
    counts = class_counts(shares, np.full(5, 20), rows, CLASSES)
    assert counts.sum() == rows and np.abs(counts - shares * rows).max() < 1 + 1e-6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dirichlet(0.0), "Dirichlet prior: alpha 0.0; expected more than 0"),
        (lambda: LongTail(0.5), "Long-tailed prior: ratio 0.5 of the largest class to the least; expected 1 or more"),
        (lambda: Pareto(-1.0), "Pareto prior: alpha -1.0; expected 0 or more"),
        (lambda: Tweaked("a", 1.5), "Tweaked prior of 'a': share 1.5; expected 0 to 1"),
        (lambda: class_shares((0.5, 0.5), CLASSES, ""), "2 shares of 5 classes (a, b, c, d, e); expected one a class"),
        (
            lambda: class_counts(np.array([0.9, 0.1]), np.array([5, 5]), 10, "ab"),
            "class 'a' has 5 rows; expected 9 or more",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(DataError, match=re.escape(message)):
        make()
