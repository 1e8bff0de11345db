import jax
import numpy as np
import pytest
from flax import nnx

from tlx.layers import max_pool


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (6, 3)])
@pytest.mark.parametrize("window", [(2, 2), (3, 1)])
def test_equals_flax_and_its_gradient(size, window):
    x = jax.random.normal(jax.random.key(0), (2, *size, 3))

    def theirs(x):
        return nnx.max_pool(x, window, strides=window)

    np.testing.assert_array_equal(max_pool(x, window), theirs(x))
    ours, wanted = (jax.grad(lambda x, f=f: (f(x) ** 3).sum())(x) for f in (lambda x: max_pool(x, window), theirs))
    np.testing.assert_allclose(ours, wanted, rtol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
@pytest.mark.parametrize(
    ("window", "strides", "padding"), [((3, 3), (2, 2), 1), ((3, 2), (1, 2), 0), ((2, 2), (3, 3), 0)]
)
def test_overlapping_windows_equal_flax_and_its_gradient(size, window, strides, padding):
    x = jax.random.normal(jax.random.key(0), (2, *size, 3)) - 5  # negative, so that a padding of zeros would show
    around = ((padding, padding), (padding, padding))

    def ours(x):
        return max_pool(x, window, strides, padding)

    def theirs(x):
        return nnx.max_pool(x, window, strides=strides, padding=around)  # pyright: ignore[reportArgumentType]

    np.testing.assert_array_equal(ours(x), theirs(x))
    got, wanted = (jax.grad(lambda x, f=f: (f(x) ** 3).sum())(x) for f in (ours, theirs))
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
