import jax
import numpy as np
import pytest
from flax import nnx

from tlx.layers import max_pool


def same(ours, theirs, x):
    """Results are equal, and gradients up to rounding; both by one program."""

    def with_slope(pool, x):
        return pool(x), jax.grad(lambda x: (pool(x) ** 3).sum())(x)

    (got, slope), (wanted, expected) = jax.jit(lambda x: (with_slope(ours, x), with_slope(theirs, x)))(x)
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (6, 3)])
@pytest.mark.parametrize("window", [(2, 2), (3, 1)])
def test_equals_flax_and_its_gradient(size, window):
    x = np.float32(np.random.default_rng(0).normal(size=(2, *size, 3)))
    same(lambda x: max_pool(x, window), lambda x: nnx.max_pool(x, window, strides=window), x)


@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
@pytest.mark.parametrize(
    ("window", "strides", "padding"), [((3, 3), (2, 2), 1), ((3, 2), (1, 2), 0), ((2, 2), (3, 3), 0)]
)
def test_overlapping_windows_equal_flax_and_its_gradient(size, window, strides, padding):
    x = np.float32(
        np.random.default_rng(0).normal(size=(2, *size, 3)) - 5
    )  # negative, so that a padding of zeros would show
    around = ((padding, padding), (padding, padding))

    def theirs(x):
        return nnx.max_pool(x, window, strides=strides, padding=around)  # pyright: ignore[reportArgumentType]

    same(lambda x: max_pool(x, window, strides, padding), theirs, x)
