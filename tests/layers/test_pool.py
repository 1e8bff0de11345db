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
