"""The multilinear maps against NumPy's Kronecker product and a mean over draws."""

import jax
import numpy as np

from tlx import ops

multilinear_map, random_multilinear_map = jax.jit(ops.multilinear_map), jax.jit(ops.random_multilinear_map)
RANDOM = np.random.default_rng(0)
FEATURES, P = RANDOM.normal(size=(4, 3)), RANDOM.dirichlet(np.ones(2), 4)


def test_is_the_kronecker_product_of_each_row():
    expected = [np.kron(f, g) for f, g in zip(FEATURES, P, strict=True)]
    np.testing.assert_allclose(multilinear_map(FEATURES, P), expected)


def test_random_map_keeps_inner_products_on_average():
    """The paper's theorem 1: E <T(h), T(h')> = <f, f'> <g, g'>. Of 400 draws of width 100; 4 standard errors."""

    def gram(key):
        mapped = random_multilinear_map(FEATURES, P, *ops.random_maps(key, 3, 2, 100))
        return mapped @ mapped.T

    draws = np.asarray(jax.jit(jax.vmap(gram))(jax.random.split(jax.random.key(0), 400)))
    exact = np.asarray(multilinear_map(FEATURES, P))
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - exact @ exact.T) < 4 * error).all()


def test_random_maps_are_standard_normal_and_independent():
    first, second = (np.asarray(part) for part in ops.random_maps(jax.random.key(0), 50, 50, 200))
    assert first.shape == second.shape == (50, 200)
    assert abs(first.mean()) < 0.04 and abs(first.std() - 1) < 0.03
    assert abs(np.mean(first * second)) < 0.04
