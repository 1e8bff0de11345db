"""Which rows of new classes belong together, by loops over pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ops


@pytest.mark.parametrize("count", [1, 2, 5])
def test_same_largest_is_of_sets(count):
    """The traps: the order within the largest; a feature that is large and negative; a gradient."""
    features = np.random.default_rng(0).normal(size=(40, 6))
    sets = [set(np.argsort(-np.abs(row))[:count].tolist()) for row in features]
    expected = [[one == other for other in sets] for one in sets]
    found = jax.jit(ops.same_largest, static_argnums=1)(jnp.float32(features), count)
    np.testing.assert_array_equal(found, expected)
    assert np.sum(expected) > 40


def test_pairs_of_one_class_agree_and_others_do_not():
    random = np.random.default_rng(1)
    p, q = random.dirichlet(np.ones(3), size=(2, 7))
    same = random.random((7, 7)) < 0.4
    total = 0.0
    for i in range(7):
        for j in range(7):
            agreement = sum(p[i, c] * q[j, c] for c in range(3))
            total -= np.log(agreement if same[i, j] else 1 - agreement)
    found = ops.pair_cross_entropy(jnp.float32(p), jnp.float32(q), jnp.asarray(same))
    assert float(found) == pytest.approx(total / 49, rel=1e-4)
    sure = jnp.float32(np.eye(3)[[0, 0, 1]])
    assert float(ops.pair_cross_entropy(sure, sure, jnp.zeros((3, 3), bool))) == pytest.approx(
        -np.log(1e-7) * 5 / 9, rel=1e-3
    )
