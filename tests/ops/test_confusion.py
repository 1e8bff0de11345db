"""Class confusion against a NumPy loop and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import softmax
from scipy.stats import entropy

from tlx import ops

confusion = jax.jit(ops.class_confusion)


def logits(seed: int, n: int = 6, classes: int = 4) -> np.ndarray:
    return 2 * np.random.default_rng(seed).normal(size=(n, classes))


def by_loop(z: np.ndarray, temperature: float, certainty: np.ndarray | None = None) -> float:
    """Equations 2 to 7 of the paper, index by index."""
    p = softmax(z / temperature, 1)
    n, classes = p.shape
    certainty = np.array([1 + np.exp(-entropy(row)) for row in p]) if certainty is None else certainty
    weights = n * certainty / certainty.sum()
    total = 0.0
    for j in range(classes):
        row = [sum(p[i, j] * weights[i] * p[i, k] for i in range(n)) for k in range(classes)]
        total += (sum(row) - row[j]) / sum(row)
    return total / classes


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("seed", range(2))
def test_is_the_papers_loop(seed, temperature):
    assert confusion(logits(seed), temperature) == pytest.approx(by_loop(logits(seed), temperature))


def test_gradient_holds_the_certainties_fixed():
    """The trap: a gradient through the weights, which rewards making hard rows uncertain."""
    z = logits(0)
    fixed = np.array([1 + np.exp(-entropy(row)) for row in softmax(z / 2.5, 1)])
    numeric = np.reshape(
        np.asarray(approx_fprime(z.ravel(), lambda flat: by_loop(flat.reshape(z.shape), 2.5, fixed), 1e-7)), z.shape
    )
    np.testing.assert_allclose(jax.jit(jax.grad(ops.class_confusion))(z), numeric, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 10])
def test_closed_forms(classes):
    """Certain predictions confuse nothing, whatever their order; uniform ones spread evenly over the other classes."""
    assert confusion(1e4 * np.eye(classes)) == pytest.approx(0)
    assert confusion(np.zeros((3, classes))) == pytest.approx((classes - 1) / classes)


def test_a_class_that_nobody_predicts_is_finite_in_single_precision():
    """The trap: 0 / 0 in the row of a class whose probabilities all underflow."""
    value, gradient = jax.jit(jax.value_and_grad(ops.class_confusion))(jnp.float32([[1e4, 0, 0], [1e4, 5, 0]]))
    assert np.isfinite(value) and np.isfinite(gradient).all() and gradient.dtype == jnp.float32


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_is_blind_to_order_and_names_of_classes(seed):
    z, random = logits(seed), np.random.default_rng(seed)
    value = confusion(z)
    assert 0 < value < 1
    assert confusion(z[random.permutation(6)]) == pytest.approx(value)
    assert confusion(z[:, random.permutation(4)]) == pytest.approx(value)
