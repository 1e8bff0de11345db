"""Ramps at the values that the papers give."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx import ops

dann_ramp, linear_ramp, sigmoid_ramp = map(jax.jit, (ops.dann_ramp, ops.linear_ramp, ops.sigmoid_ramp))

RAMPS = [dann_ramp, linear_ramp, sigmoid_ramp]


def test_dann():
    """2 / (1 + exp(-10 p)) - 1 is tanh(5 p)."""
    for p in (0.0, 0.1, 0.5, 1.0):
        assert dann_ramp(np.float64(p)) == pytest.approx(math.tanh(5 * p))
        assert dann_ramp(np.float64(p), gamma=4.0) == pytest.approx(math.tanh(2 * p))


def test_linear():
    assert [float(linear_ramp(np.float64(p), 0.5)) for p in (0.0, 0.25, 0.5, 1.0)] == [0, 0.5, 1, 1]


def test_sigmoid():
    """As French et al.'s code: p = 1 - epoch / rampup, exp(-5 p p), and 1 after the ramp."""
    for epoch, rampup in ((0, 80), (20, 80), (80, 80), (200, 80)):
        p = max(0.0, 1 - epoch / rampup)
        assert sigmoid_ramp(np.float64(epoch / 300), rampup / 300) == pytest.approx(math.exp(-p * p * 5))


@pytest.mark.parametrize("ramp", RAMPS)
@given(st.floats(0, 1), st.floats(0, 1))
def test_ramps_rise_within_zero_and_one(ramp, p, q):
    low, high = sorted((p, q))
    assert 0 <= ramp(np.float64(low)) <= ramp(np.float64(high)) <= 1


@pytest.mark.parametrize("ramp", [linear_ramp, sigmoid_ramp])
def test_no_ramp_is_full_weight_at_once(ramp):
    """The trap: 0 / 0 at the first step of a ramp of length 0."""
    assert ramp(np.float64(0), 0.0) == 1 and ramp(np.float64(1), 0.0) == 1


def test_cosine_warmup():
    values = [float(ops.cosine_warmup(jnp.asarray(p))) for p in (0.0, 0.25, 0.5, 1.0)]
    assert values == pytest.approx([0, 0.5, 1, 1])
