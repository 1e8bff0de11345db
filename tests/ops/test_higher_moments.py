"""Higher-order moments against NumPy's tensors."""

import itertools

import jax
import numpy as np
import pytest
from jax.test_util import check_grads

from tlx import ops

moment_distance = jax.jit(ops.moment_distance)


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(size=(6, 3)), random.beta(2, 5, size=(5, 3))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_over_all_tuples_it_is_the_tensors_norm(order):
    source, target = pair(2)
    letters = "ijk"[:order]
    tensor = ",".join(f"n{letter}" for letter in letters) + "->" + letters
    gap = np.einsum(tensor, *[source] * order) / 6 - np.einsum(tensor, *[target] * order) / 5
    every = np.array(list(itertools.product(range(3), repeat=order)))
    found = moment_distance(source, target, every)
    assert found == pytest.approx(np.sum(gap**2) / 3**order)
    check_grads(lambda s: moment_distance(s, target, every), (source,), order=1, modes=["rev"])


def test_random_tuples_give_it_on_average():
    source, target = pair(3)
    every = np.array(list(itertools.product(range(3), repeat=3)))
    drawn = np.random.default_rng(0).integers(0, 3, (300, 40, 3))
    values = np.asarray(jax.vmap(moment_distance, (None, None, 0))(source, target, drawn))
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean() - moment_distance(source, target, every)) < 4 * error


def test_equal_covariances_do_not_hide_a_third_moment():
    """The point of the method: a skewed sample and its mirror image, centred, which CORAL takes for equal."""
    skewed = np.random.default_rng(0).exponential(size=(50, 2))
    skewed -= skewed.mean(0)
    assert ops.coral(skewed, -skewed) == pytest.approx(0, abs=1e-12)
    every = np.array(list(itertools.product(range(2), repeat=3)))
    assert moment_distance(skewed, -skewed, every) > 0.1
