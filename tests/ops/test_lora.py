import jax
import jax.numpy as jnp
import numpy as np

from tlx.ops import lora_init, lora_merge

PARAMS = {
    "conv": {"kernel": jnp.ones((3, 3, 2, 5)), "bias": jnp.ones(5)},
    "fc": {"kernel": jnp.ones((6, 4))},
    "bn": {"scale": jnp.ones(4)},
}


def conv(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def factors(rank: int = 2):
    random = np.random.default_rng(0)
    start = lora_init(jax.random.key(0), PARAMS, rank)
    return {path: {**pair, "b": jnp.asarray(random.normal(size=pair["b"].shape))} for path, pair in start.items()}


def test_every_kernel_has_factors_and_nothing_else():
    shapes = {path: (pair["a"].shape, pair["b"].shape) for path, pair in factors().items()}
    assert shapes == {"conv/kernel": ((18, 2), (2, 5)), "fc/kernel": ((6, 2), (2, 4))}
    assert factors(9)["fc/kernel"]["a"].shape == (6, 4), "no more than the kernel's own rank"


def test_the_start_changes_nothing():
    merged = lora_merge(PARAMS, lora_init(jax.random.key(0), PARAMS, 2), 3.0)
    jax.tree.map(np.testing.assert_array_equal, merged, PARAMS)


def test_merged_is_unmerged():
    """x W' = x W + scale (x A) B, of a convolution: a convolution to r channels, then one by one pixel."""
    random, pairs, scale = np.random.default_rng(1), factors(), 0.5
    merged = lora_merge(PARAMS, pairs, scale)
    x, pair = random.normal(size=(4, 6)), pairs["fc/kernel"]
    apart = x @ PARAMS["fc"]["kernel"] + scale * (x @ pair["a"]) @ pair["b"]
    np.testing.assert_allclose(x @ merged["fc"]["kernel"], apart, rtol=1e-6)
    images, pair = jnp.asarray(random.normal(size=(2, 6, 6, 2))), pairs["conv/kernel"]
    down = conv(images, pair["a"].reshape(3, 3, 2, 2))
    apart = conv(images, jnp.float64(PARAMS["conv"]["kernel"])) + scale * conv(down, pair["b"][None, None])
    np.testing.assert_allclose(conv(images, jnp.float64(merged["conv"]["kernel"])), apart, rtol=1e-5, atol=1e-5)
    assert merged["conv"]["bias"] is PARAMS["conv"]["bias"]
