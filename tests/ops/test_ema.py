"""The moving average against its closed form and SciPy's filter."""

import numpy as np
import pytest
from scipy.signal import lfilter

from tlx.ops import ema


def test_is_a_first_order_filter():
    values = np.random.default_rng(0).normal(size=20)
    average, seen = 0.0, []
    for value in values:
        average = ema(average, value, 0.9)
        seen.append(average)
    np.testing.assert_allclose(seen, lfilter([0.1], [1, -0.9], values))


@pytest.mark.parametrize(("decay", "expected"), [(1.0, 2.0), (0.0, 10.0), (0.75, 4.0)])
def test_decay_keeps_the_average(decay, expected):
    """The trap: decay and 1 - decay swapped makes the teacher a copy of the student."""
    moved = ema({"a": np.full(2, 2.0), "b": {"c": np.float64(2)}}, {"a": np.full(2, 10.0), "b": {"c": 10.0}}, decay)
    np.testing.assert_allclose(moved["a"], expected)
    assert moved["b"]["c"] == pytest.approx(expected)
