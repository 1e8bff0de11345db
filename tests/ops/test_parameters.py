"""Averages against SciPy's filter; anchors and low-rank changes by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import lfilter

from tlx.ops import ema, lora_init, lora_merge, restored, weighted_distance


def test_ema_is_a_first_order_filter():
    values = np.random.default_rng(0).normal(size=20)
    average, seen = 0.0, []
    for value in values:
        average = ema(average, value, 0.9)
        seen.append(average)
    np.testing.assert_allclose(seen, lfilter([0.1], [1, -0.9], values))


@pytest.mark.parametrize(("decay", "expected"), [(1.0, 2.0), (0.0, 10.0), (0.75, 4.0)])
def test_decay_of_ema_keeps_the_average(decay, expected):
    """The trap: decay and 1 - decay swapped makes the teacher a copy of the student."""
    moved = ema({"a": np.full(2, 2.0), "b": {"c": np.float64(2)}}, {"a": np.full(2, 10.0), "b": {"c": 10.0}}, decay)
    np.testing.assert_allclose(moved["a"], expected)
    assert moved["b"]["c"] == pytest.approx(expected)


TREE = {"a": np.arange(6.0).reshape(2, 3), "b": {"c": np.array([1.0, -2.0])}}
ORIGIN = jax.tree.map(lambda leaf: leaf - 0.5, TREE)


def test_weighted_distance_by_hand():
    assert weighted_distance(TREE, ORIGIN) == pytest.approx(8 * 0.25)
    assert weighted_distance(TREE) == pytest.approx(55 + 5)
    weights = {"a": np.zeros((2, 3)), "b": {"c": np.array([3.0, 4.0])}}
    assert weighted_distance(TREE, ORIGIN, weights) == pytest.approx(7 * 0.25)


def test_gradient_of_weighted_distance_pulls_to_the_origin():
    slope = jax.grad(lambda tree: weighted_distance(tree, ORIGIN) / 2)(jax.tree.map(jnp.asarray, TREE))
    jax.tree.map(lambda s: np.testing.assert_allclose(s, 0.5), slope)


def test_restored_is_either_value_at_its_rate():
    now, then = {"a": jnp.ones((100, 50)), "b": jnp.ones(300)}, {"a": jnp.zeros((100, 50)), "b": jnp.zeros(300)}
    after = restored(jax.random.key(0), now, then, 0.2)
    assert set(np.unique(after["a"])) == {0.0, 1.0}
    assert 1 - float(after["a"].mean()) == pytest.approx(0.2, abs=0.02)
    for probability, tree in ((0.0, now), (1.0, then)):
        jax.tree.map(np.testing.assert_array_equal, restored(jax.random.key(0), now, then, probability), tree)


PARAMS = {
    "conv": {"kernel": np.ones((3, 3, 2, 5)), "bias": np.ones(5)},
    "fc": {"kernel": np.ones((6, 4))},
    "bn": {"scale": np.ones(4)},
}


def conv(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def factors(rank: int = 2):
    random = np.random.default_rng(0)
    start = jax.jit(lora_init, static_argnames="rank")(jax.random.key(0), PARAMS, rank)
    return {path: {**pair, "b": jnp.asarray(random.normal(size=pair["b"].shape))} for path, pair in start.items()}


def test_every_kernel_has_factors_and_nothing_else():
    shapes = {path: (pair["a"].shape, pair["b"].shape) for path, pair in factors().items()}
    assert shapes == {"conv/kernel": ((18, 2), (2, 5)), "fc/kernel": ((6, 2), (2, 4))}
    assert factors(9)["fc/kernel"]["a"].shape == (6, 4), "no more than the kernel's own rank"


def test_the_start_of_lora_changes_nothing():
    merged = lora_merge(PARAMS, lora_init(jax.random.key(0), PARAMS, 2), 3.0)
    jax.tree.map(np.testing.assert_array_equal, merged, PARAMS)


def test_merged_lora_is_unmerged():
    """x W' = x W + scale (x A) B, of a convolution: a convolution to r channels, then one by one pixel."""
    random, pairs, scale = np.random.default_rng(1), factors(), 0.5
    merged = lora_merge(PARAMS, pairs, scale)
    x, pair = random.normal(size=(4, 6)), pairs["fc/kernel"]
    apart = x @ PARAMS["fc"]["kernel"] + scale * (x @ pair["a"]) @ pair["b"]
    np.testing.assert_allclose(x @ merged["fc"]["kernel"], apart, rtol=1e-6)
    images, pair = jnp.asarray(random.normal(size=(2, 6, 6, 2))), pairs["conv/kernel"]
    down = conv(images, pair["a"].reshape(3, 3, 2, 2))
    apart = conv(images, PARAMS["conv"]["kernel"]) + scale * conv(down, pair["b"][None, None])
    np.testing.assert_allclose(conv(images, merged["conv"]["kernel"]), apart, rtol=1e-5, atol=1e-5)
    assert merged["conv"]["bias"] is PARAMS["conv"]["bias"]
