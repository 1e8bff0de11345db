"""Losses and draws for classes of unequal numbers of rows.

Shape vocabulary: rows B, classes C; `counts` [C] are the numbers of train rows of each class.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tlx.ops.predictions import Logits, cross_entropies

Counts = Float[Array, "classes"]


def balanced_rows(
    key: PRNGKeyArray, labels: Int[Array, "rows"], count: Int[Array, ""] | int, classes: int, size: int
) -> Int[Array, "size"]:
    """`size` rows of the first `count`, with replacement: a class at random of those with rows, then a row of it."""
    there = (jnp.arange(labels.shape[0]) < count).astype(jnp.float32)
    of_class = jnp.zeros(classes, jnp.float32).at[labels].add(there)
    ends = jnp.cumsum(there / jnp.maximum(of_class, 1.0)[labels])
    places = jnp.searchsorted(ends, jax.random.uniform(key, (size,), jnp.float32) * ends[-1], side="right")
    return jnp.minimum(places.astype(jnp.int32), count - 1)


def effective_weights(counts: Counts, beta: Float[Array, ""] | float) -> Counts:
    """(1 - beta) / (1 - beta^n_c), scaled to a mean of 1 over the classes with rows; 0 for others; 1 at beta 0.

    Reference: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.
    """
    some = counts > 0
    effective = jnp.where(some, -jnp.expm1(counts * jnp.log(jnp.maximum(beta, 1e-12))), 1.0)
    weights = jnp.where(some, 1 / effective, 0.0)
    return weights * jnp.sum(some).astype(weights.dtype) / jnp.sum(weights)


def focal_losses(logits: Logits, labels: Int[Array, "batch"], gamma: Float[Array, ""] | float) -> Float[Array, "batch"]:
    """-(1 - p_y)^gamma log p_y of each row.

    Reference: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 4.
    """
    losses = cross_entropies(logits, labels)
    return jnp.maximum(-jnp.expm1(-losses), 1e-6) ** gamma * losses


def log_shares(counts: Counts) -> Counts:
    """log(n_c / n), a class without rows as if it had half a row."""
    held = jnp.maximum(counts, 0.5)
    return jnp.log(held / held.sum())


def ldam_margins(counts: Counts, largest: Float[Array, ""] | float = 0.5) -> Counts:
    """n_c^(-1/4), scaled so that the rarest class has the `largest`.

    Reference: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019.
    """
    margins = jnp.maximum(counts, 1.0) ** -0.25
    return largest * margins / margins.max()
