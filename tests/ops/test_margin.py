"""Margin disparity against the paper's equation in NumPy and torch-free closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import softmax

from tlx import ops

disparity = jax.jit(ops.margin_disparity)


def four(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 5, 3))


@pytest.mark.parametrize("margin", [1.0, 4.0])
def test_is_the_papers_loop(margin):
    source, of_source, target, of_target = four()
    total = 0.0
    for z, adversary in zip(source, of_source, strict=True):
        total -= margin * np.log(softmax(adversary)[z.argmax()]) / len(source)
    for z, adversary in zip(target, of_target, strict=True):
        total -= np.log(1 - softmax(adversary)[z.argmax()]) / len(target)
    assert disparity(source, of_source, target, of_target, margin) == pytest.approx(total)


def test_an_adversary_that_agrees_on_the_source_and_differs_on_the_target_descends():
    """The trap: the sign of one of the two parts."""
    f, same, other = np.eye(3), 10 * np.eye(3), -10 * np.eye(3)
    assert disparity(f, same, f, other) < disparity(f, same, f, same)
    assert disparity(f, same, f, other) < disparity(f, other, f, other)


def test_gradient_is_the_adversarys_only_and_numeric():
    source, of_source, target, of_target = four(1)
    classifier = jax.grad(disparity, argnums=(0, 2))(source, of_source, target, of_target)
    assert not np.any(classifier), "labels have no gradient"
    check_grads(lambda s, t: disparity(source, s, target, t), (of_source, of_target), order=1, modes=["rev"])


def test_is_finite_where_the_adversary_is_certain_in_single_precision():
    """The trap: log(1 - p) where p rounds to 1."""
    rows = jnp.float32([[60.0, 0.0, 0.0]])
    value, gradient = jax.value_and_grad(disparity, argnums=3)(rows, rows, rows, rows)
    assert value == pytest.approx(60 - np.log(2), rel=1e-5) and np.isfinite(gradient).all()
