"""Losses on class probabilities; all take logits [B, classes] and are in nats."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Logits = Float[Array, "batch classes"]


def cross_entropy(logits: Logits, labels: Int[Array, " batch"], smoothing: float | Array = 0.0) -> Float[Array, ""]:
    """The mean of -sum_c q_c log p_c, with q = (1 - smoothing) onehot(label) + smoothing / classes.

    The label has q = 1 - smoothing + smoothing / classes, as in PyTorch. In TLLib's `LabelSmoothSoftmaxCEV1` it has
    1 - smoothing alone, so that q does not sum to one.
    """
    return jnp.mean(cross_entropies(logits, labels, smoothing))


def cross_entropies(
    logits: Logits, labels: Int[Array, " batch"], smoothing: float | Array = 0.0
) -> Float[Array, " batch"]:
    """The cross-entropy of each row."""
    log_p = jax.nn.log_softmax(logits)
    picked = jnp.take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    return -(1 - smoothing) * picked - smoothing * log_p.mean(1)


def soft_cross_entropies(logits: Logits, wanted: Logits) -> Float[Array, " batch"]:
    """-sum_c q_c log p_c of each row, q the probabilities `wanted`."""
    return -jnp.sum(wanted * jax.nn.log_softmax(logits), 1)


def cosine_logits(
    features: Float[Array, "batch width"], kernel: Float[Array, "width classes"], temperature: Any = 0.05
) -> Logits:
    """W^T f / (|f| T): the classifier whose columns are class prototypes. Chen et al. 2019; Saito et al. 2019 (MME)."""
    length = jnp.sqrt(jnp.sum(features**2, 1, keepdims=True) + 1e-12)
    return features / length @ kernel / temperature


def removal_losses(
    classifier: Callable[[Float[Array, "batch width"]], Logits],
    features: Float[Array, "batch width"],
    labels: Int[Array, " batch"],
) -> Float[Array, " width"]:
    """By how much the cross-entropy of a classifier grows where feature j is 0, for each j. Li et al. 2019 (DELTA)."""

    def without(feature: Int[Array, ""]) -> Float[Array, ""]:
        return cross_entropy(classifier(features.at[:, feature].set(0)), labels)

    return jax.lax.map(without, jnp.arange(features.shape[1])) - cross_entropy(classifier(features), labels)


def entropies(logits: Logits) -> Float[Array, " batch"]:
    """H(p) = -sum_c p_c log p_c of each row, finite for any finite logits."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(log_p) * log_p, 1)


def complement_entropies(logits: Logits, labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """The entropy of each row's probabilities of the other classes, q_c = p_c / (1 - p_y): log(classes - 1) at most.

    Chen et al. 2019, "Complement Objective Training", equation 3.
    """
    own = jax.nn.one_hot(labels, logits.shape[1], dtype=bool)
    log_q = jax.nn.log_softmax(jnp.where(own, -jnp.inf, logits))
    return -jnp.sum(jnp.where(own, 0.0, jnp.exp(log_q) * jnp.where(own, 0.0, log_q)), 1)


def marginal_entropy(logits: Logits) -> Float[Array, ""]:
    """H(mean_i p_i): the diversity of a batch's predictions."""
    log_mean = jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=0) - jnp.log(logits.shape[0])
    return -jnp.sum(jnp.exp(log_mean) * log_mean)


def information_maximisation(logits: Logits) -> Float[Array, ""]:
    """mean H(p_i) - H(mean p_i): confident on each row, diverse over the batch. Liang et al. 2020 (SHOT), eq. 4."""
    return jnp.mean(entropies(logits)) - marginal_entropy(logits)


def class_balance(logits: Logits) -> Float[Array, ""]:
    """sum_c BCE(mean_i p_ic, 1 / classes), BCE(p, q) = -q log p - (1 - q) log(1 - p). French et al. 2018."""
    log_mean = jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=0) - jnp.log(logits.shape[0])
    even = 1 / logits.shape[1]
    rest = jnp.log(jnp.maximum(-jnp.expm1(log_mean), jnp.finfo(logits.dtype).eps))
    return -jnp.sum(even * log_mean + (1 - even) * rest)


def classifier_discrepancy(first: Logits, second: Logits) -> Float[Array, ""]:
    """The mean over rows and classes of |softmax(first) - softmax(second)|. Saito et al. 2018 (MCD), equation 2."""
    return jnp.mean(jnp.abs(jax.nn.softmax(first) - jax.nn.softmax(second)))


def squared_consistency(student: Logits, teacher: Logits) -> Float[Array, " batch"]:
    """mean_c (softmax(student)_c - softmax(teacher)_c)^2 of each row. French et al. 2018."""
    return jnp.mean((jax.nn.softmax(student) - jax.nn.softmax(teacher)) ** 2, 1)


def kl_consistency(student: Logits, teacher: Logits) -> Float[Array, " batch"]:
    """KL(softmax(teacher) || softmax(student)) of each row. Miyato et al. 2018 (VAT), equation 5."""
    log_p, log_q = jax.nn.log_softmax(teacher), jax.nn.log_softmax(student)
    return jnp.sum(jnp.exp(log_p) * (log_p - log_q), 1)


def uniform_cross_entropy(logits: Logits) -> Float[Array, ""]:
    """-mean_c log mean_i p_ic: least, ln classes, where all classes are predicted alike. Saito et al. 2018 (MCD)."""
    log_mean = jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=0) - jnp.log(logits.shape[0])
    return -jnp.mean(log_mean)


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
