from typing import Any

import numpy as np
import pytest
from scipy import stats

from tlx.score import bootstrap_interval, interval


@pytest.mark.parametrize("values", [[0.4, 0.5, 0.65], [0.3, 0.31], [0.5] * 4, [0.2, 0.4, 0.3, 0.35, 0.41]])
def test_is_the_t_interval_of_scipy(values):
    mean, low, high = interval(values)
    spread = stats.sem(values)
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread) if spread else (values[0], values[0])
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx((max(0, expected[0]), min(1, expected[1])))


def test_is_clipped_to_what_an_accuracy_can_be():
    assert interval([0.0, 1.0]) == (0.5, 0.0, 1.0)


def test_a_score_without_a_least_value_is_clipped_at_one_alone():
    mean, low, high = interval([-4.0, 0.9], low=-np.inf)
    assert mean == pytest.approx(-1.55) and high == 1.0
    assert low == pytest.approx(stats.t.interval(0.95, 1, -1.55, stats.sem([-4.0, 0.9]))[0])


def test_one_value_has_no_interval():
    assert interval([0.7]) == (0.7, None, None)


def test_no_value_is_refused():
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_a_bootstrap_interval_is_scipys():
    values = [0.2, 0.5, 0.4, 0.9, 0.7, 0.65]
    seed: Any = {"random_state": 1}  # called rng by later versions of SciPy
    found = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", **seed)
    mean, low, high = bootstrap_interval(values)
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(tuple(found.confidence_interval), abs=0.01)
    assert bootstrap_interval(values) == (mean, low, high)


def test_a_bootstrap_interval_of_one_value_or_none():
    assert bootstrap_interval([0.5]) == (0.5, None, None)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])
