"""Terms over pairs, against loops over the pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.ops import contrastive_alignment, graph_ratio, neighbour_margin, same_class


def drawn(seed: int, sources: int = 7, targets: int = 5, classes: int = 3):
    """Features and labels of both domains; every class is in both."""
    random = np.random.default_rng(seed)
    x, z = random.normal(0, 1, (sources, 4)), random.normal(0.3, 1, (targets, 4))
    y, w = np.arange(sources) % classes, random.permutation(np.arange(targets) % classes)
    return x, z, y, w, same_class(jnp.asarray(y), jnp.asarray(w))


def pairs(x, z, y, w):
    """(distance, whether of one class) of every pair."""
    return [(np.linalg.norm(a - b), u == v) for a, u in zip(x, y, strict=True) for b, v in zip(z, w, strict=True)]


@given(seed=st.integers(0, 99), margin=st.floats(0.0, 4.0), negatives=st.floats(0.0, 5.0))
def test_contrastive_alignment(seed, margin, negatives):
    x, z, y, w, same = drawn(seed)
    near = np.mean([d**2 for d, one in pairs(x, z, y, w) if one])
    far = np.mean([max(0, margin - d) ** 2 for d, one in pairs(x, z, y, w) if not one])
    value = contrastive_alignment(jnp.asarray(x), jnp.asarray(z), same, margin, negatives)
    assert float(value) == pytest.approx((near + negatives * far) / (1 + negatives), rel=1e-6)


@given(seed=st.integers(0, 99), margin=st.floats(0.0, 4.0))
def test_neighbour_margin(seed, margin):
    x, z, y, w, same = drawn(seed)
    losses = []
    for b, label in zip(z, w, strict=True):
        d = np.sum((x - b) ** 2, 1)
        losses.append(max(0, d[y == label].max() - d[y != label].min() + margin))
    value = neighbour_margin(jnp.asarray(x), jnp.asarray(z), same, margin)
    assert float(value) == pytest.approx(np.mean(losses), rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 99))
def test_graph_ratio_is_that_of_two_laplacians(seed):
    """tr(X L X^T) / tr(X L' X^T) with the graphs' matrices written out."""
    x, z, y, w, same = drawn(seed)
    f, labels = np.concatenate([x, z]).T, np.concatenate([y, w])
    across = np.zeros((len(labels), len(labels)))
    across[: len(x), len(x) :] = across[len(x) :, : len(x)] = 1
    traces = []
    for joined in (labels[:, None] == labels, labels[:, None] != labels):
        graph = across * joined
        traces.append(np.trace(f @ (np.diag(graph.sum(1)) - graph) @ f.T))
    value = graph_ratio(jnp.asarray(x), jnp.asarray(z), same)
    assert float(value) == pytest.approx(traces[0] / traces[1], rel=1e-6)


@pytest.mark.parametrize("term", [contrastive_alignment, neighbour_margin, graph_ratio])
@pytest.mark.parametrize("labels", [(0, 0), (0, 1)], ids=["one class", "two classes"])
def test_a_batch_of_one_kind_of_pairs_has_a_finite_slope(term, labels):
    """The trap: the mean over no pair, the nearest of none, the slope of a distance of zero."""
    ones = jnp.ones((3, 2), jnp.float32)
    same = same_class(jnp.full(3, labels[0]), jnp.full(3, labels[1]))
    value, slope = jax.value_and_grad(lambda x: term(x, ones, same))(ones)
    assert jnp.isfinite(value) and jnp.isfinite(slope).all()
