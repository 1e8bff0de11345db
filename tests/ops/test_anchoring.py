import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx.ops import restored, weighted_distance

TREE = {"a": np.arange(6.0).reshape(2, 3), "b": {"c": np.array([1.0, -2.0])}}
ORIGIN = jax.tree.map(lambda leaf: leaf - 0.5, TREE)


def test_distance_by_hand():
    assert weighted_distance(TREE, ORIGIN) == pytest.approx(8 * 0.25)
    assert weighted_distance(TREE) == pytest.approx(55 + 5)
    weights = {"a": np.zeros((2, 3)), "b": {"c": np.array([3.0, 4.0])}}
    assert weighted_distance(TREE, ORIGIN, weights) == pytest.approx(7 * 0.25)


def test_gradient_pulls_to_the_origin():
    slope = jax.grad(lambda tree: weighted_distance(tree, ORIGIN) / 2)(jax.tree.map(jnp.asarray, TREE))
    jax.tree.map(lambda s: np.testing.assert_allclose(s, 0.5), slope)


def test_restored_is_either_value_at_its_rate():
    now, then = {"a": jnp.ones((100, 50)), "b": jnp.ones(300)}, {"a": jnp.zeros((100, 50)), "b": jnp.zeros(300)}
    after = restored(jax.random.key(0), now, then, 0.2)
    assert set(np.unique(after["a"])) == {0.0, 1.0}
    assert 1 - float(after["a"].mean()) == pytest.approx(0.2, abs=0.02)
    for probability, tree in ((0.0, now), (1.0, then)):
        jax.tree.map(np.testing.assert_array_equal, restored(jax.random.key(0), now, then, probability), tree)
