import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tlx.score import clear_best, critical_difference, interquartile_mean, paired

# Nemenyi's critical values q at 0.05 for k methods, from Demsar 2006, table 5(a)
DEMSAR = {3: 2.343, 4: 2.569, 5: 2.728, 10: 3.164}


def test_a_paired_t_test_by_hand():
    found = paired({0: 0.9, 1: 0.8, 2: 0.7, 7: 0.1}, {0: 0.8, 1: 0.6, 2: 0.4, 5: 0.9})
    gaps = np.array([0.1, 0.2, 0.3])
    t = gaps.mean() / (gaps.std(ddof=1) / math.sqrt(3))
    assert (found.n, found.difference) == (3, pytest.approx(0.2))
    assert found.t_p == pytest.approx(2 * (1 - stats.t.cdf(t, 2)))
    # of the 8 ways to sign three differences, all + and all - are as extreme
    assert found.wilcoxon_p == pytest.approx(2 / 8)


@given(st.permutations(range(6)))
def test_seeds_are_paired_whatever_their_order(order):
    ours = {seed: 0.5 + 0.07 * seed for seed in range(6)}
    theirs = {seed: 0.4 + 0.01 * seed**2 for seed in order}
    assert paired(ours, theirs) == paired(ours, dict(sorted(theirs.items())))


@pytest.mark.parametrize(
    ("ours", "theirs", "t", "wilcoxon"),
    [({0: 0.5}, {0: 0.4}, False, False), ({0: 0.5, 1: 0.6}, {0: 0.4, 1: 0.5}, False, True),
     ({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.6}, False, False)],
)  # fmt: skip
def test_a_test_that_can_say_nothing_gives_none(ours, theirs, t, wilcoxon):
    found = paired(ours, theirs)
    assert (found.t_p is not None, found.wilcoxon_p is not None) == (t, wilcoxon)


def test_pairs_need_a_shared_seed():
    with pytest.raises(ValueError, match=r"\[0, 1\] and \[2\]"):
        paired({0: 1.0, 1: 1.0}, {2: 1.0})


def test_friedman_by_its_formula():
    scores = {"a": [0.9, 0.8, 0.7, 0.9], "b": [0.8, 0.7, 0.8, 0.6], "c": [0.1, 0.2, 0.3, 0.4]}
    found = critical_difference(scores)
    assert found.ranks == {"a": 1.25, "b": 1.75, "c": 3.0}
    k, n = 3, 4
    square = 12 * n / (k * (k + 1)) * (sum(rank**2 for rank in found.ranks.values()) - k * (k + 1) ** 2 / 4)
    assert found.p == pytest.approx(stats.chi2.sf(square, k - 1))
    assert found.cd == pytest.approx(2.343 * math.sqrt(k * (k + 1) / (6 * n)), rel=1e-3)
    assert found.groups == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize("methods", DEMSAR)
def test_critical_values_are_those_of_the_table(methods):
    scores = {f"m{index}": [index / 20, index / 30] for index in range(methods)}
    assert critical_difference(scores).cd == pytest.approx(
        DEMSAR[methods] * math.sqrt(methods * (methods + 1) / 12), rel=5e-4
    )


def test_ties_share_a_rank_and_what_is_all_tied_differs_in_nothing():
    assert critical_difference({"a": [1, 1], "b": [1, 1], "c": [0, 0]}).ranks == {"a": 1.5, "b": 1.5, "c": 3.0}
    found = critical_difference({"a": [1, 2], "b": [1, 2], "c": [1, 2]})
    assert (found.p, set(found.ranks.values()), found.groups) == (1.0, {2.0}, [("a", "b", "c")])


def test_methods_that_differ_on_every_task_are_in_no_group():
    found = critical_difference({name: [rank] * 40 for name, rank in zip("abc", (3.0, 2.0, 1.0), strict=True)})
    assert found.groups == [] and found.p < 1e-6


@pytest.mark.parametrize(
    "scores", [{}, {"a": [1, 2], "b": [1, 2]}, {"a": [1], "b": [1], "c": [1]}, {"a": [1, 2], "b": [1], "c": [1, 2]}]
)
def test_too_little_to_rank(scores):
    with pytest.raises(ValueError, match="expected three methods or more"):
        critical_difference(scores)


def test_scores_to_rank_are_finite():
    with pytest.raises(ValueError, match="not finite"):
        critical_difference({"a": [1, math.nan], "b": [1, 2], "c": [1, 2]})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interquartile_mean_is_scipys_trimmed_mean(values):
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_there_is_no_mean_of_nothing():
    with pytest.raises(ValueError, match="no values"):
        interquartile_mean([])


@pytest.mark.parametrize(
    ("others", "best"),
    [
        ({"b": (0.7, 0.6, 0.75)}, "a"),
        ({"b": (0.7, 0.6, 0.8)}, None),  # touches
        ({"b": (0.7, 0.6, 0.75), "c": (0.85, 0.5, 0.95)}, None),
        ({"b": (0.7, None, None)}, None),
        ({"b": (0.95, None, None)}, None),
        ({}, None),
    ],
)
def test_the_best_is_marked_only_where_it_is_clear(others, best):
    assert clear_best({"a": (0.9, 0.8, 1.0), **others}) == best
