"""Terms over pairs of a source row and a labelled target row.

Shape vocabulary: source rows S, labelled target rows T, width W.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from tlx.ops.discrepancies import squared_distances

Pairs = Float[Array, "source target"]
Same = Bool[Array, "source target"]


def same_class(source: Int[Array, " source"], target: Int[Array, " target"]) -> Same:
    """Whether the two rows of each pair have one label."""
    return source[:, None] == target[None, :]


def contrastive_alignment(
    source: Float[Array, "source width"],
    target: Float[Array, "target width"],
    same: Same,
    margin: float | Array = 1.0,
    negatives: float | Array = 3.0,
) -> Float[Array, ""]:
    """(mean_same d^2 + negatives mean_different max(0, margin - d)^2) / (1 + negatives), d the distance of a pair.

    It is the mean over pairs of which `negatives` are of two classes for each one of a single class. A batch without
    pairs of a kind has 0 for it.

    Motiian et al. 2017, "Unified Deep Supervised Domain Adaptation and Generalization", equations 4 to 7.
    """
    squared = jnp.maximum(squared_distances(source, target), 1e-8)  # the slope of the root at 0 is infinite
    apart = jnp.maximum(margin - jnp.sqrt(squared), 0.0) ** 2
    return (_mean(squared, same) + negatives * _mean(apart, ~same)) / (1.0 + negatives)


def neighbour_margin(
    source: Float[Array, "source width"],
    target: Float[Array, "target width"],
    same: Same,
    margin: float | Array = 1.0,
) -> Float[Array, ""]:
    """mean_t max(0, max_{s of t's class} d^2 - min_{s of another} d^2 + margin), d the distance of s and t.

    A target row whose class no source row has is as near to its own as can be (0); where no source row has another
    class, the farthest stands for the nearest.

    Xu et al. 2019, "d-SNE: Domain Adaptation using Stochastic Neighborhood Embedding", equation 7.
    """
    squared = squared_distances(source, target)
    own = jnp.max(jnp.where(same, squared, 0.0), axis=0)
    other = jnp.min(jnp.where(same, squared.max(axis=0, keepdims=True), squared), axis=0)
    return jnp.mean(jnp.maximum(own - other + margin, 0.0))


def graph_ratio(
    source: Float[Array, "source width"], target: Float[Array, "target width"], same: Same
) -> Float[Array, ""]:
    """sum_same d^2 / sum_different d^2 over the pairs of a source and a target row, d their distance.

    It is tr(X L X^T) / tr(X L' X^T), L the Laplacian of the graph that joins such pairs of one class, L' that of the
    graph that joins those of two classes.

    Hedegaard et al. 2021, "Supervised Domain Adaptation: A Graph Embedding Perspective and a Rectified Experimental
    Protocol", equations 10 and 14 (DAGE-LDA).
    """
    squared = squared_distances(source, target)
    return jnp.sum(jnp.where(same, squared, 0.0)) / (jnp.sum(jnp.where(same, 0.0, squared)) + 1e-11)


def _mean(values: Pairs, of: Same) -> Float[Array, ""]:
    return jnp.sum(jnp.where(of, values, 0.0)) / jnp.maximum(jnp.sum(of.astype(values.dtype)), 1.0)
