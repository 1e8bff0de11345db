"""Minimum class confusion."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.classification import entropies


def class_confusion(
    logits: Float[Array, "batch classes"], temperature: Float[Array, ""] | float = 2.5
) -> Float[Array, ""]:
    """How much a batch's predictions confuse classes: the mean over classes of C's row mass off the diagonal.

    P = softmax(logits / T), w_i = B (1 + exp(-H(P_i))) / sum_j (1 + exp(-H(P_j))) without a gradient,
    C = P^T diag(w) P with rows normalised to sum to one; the loss is sum_{j != k} C_jk / classes, in [0, 1).

    Args:
        logits: [B, classes]
        temperature: T; 2.5 in the paper

    Jin et al. 2020, "Minimum Class Confusion for Versatile Domain Adaptation", equations 2 to 7.
    """
    scaled = logits / temperature
    p = jax.nn.softmax(scaled)
    certainty = jax.lax.stop_gradient(1 + jnp.exp(-entropies(scaled)))
    weights = certainty / certainty.mean()
    joint = (weights[:, None] * p).T @ p
    rows = joint / jnp.maximum(joint.sum(1, keepdims=True), 1e-8)  # a class that no row gives any mass
    return (rows.sum() - jnp.trace(rows)) / rows.shape[0]
