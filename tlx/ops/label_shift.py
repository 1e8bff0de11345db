"""The target's class shares, from predictions alone, where p(x | y) is the same in both domains (label shift).

All give weights w_c = q(c) / p(c), the target's share of a class over that of the source rows that they are given.
Shape vocabulary: rows B, classes C.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tlx.ops.predictions import Logits

Weights = Float[Array, "classes"]
Confusion = Float[Array, "classes classes"]


def joint_confusion(p: Float[Array, "batch classes"], y: Int[Array, "batch"]) -> Confusion:
    """C[i, j] = mean over rows of p_i where the label is j: the joint share of prediction i and label j.

    Of hard predictions p is one-hot.
    """
    return p.T @ jax.nn.one_hot(y, p.shape[1], dtype=p.dtype) / p.shape[0]


def bbse_weights(confusion: Confusion, target: Float[Array, "classes"]) -> Weights:
    """max(w, 0) of C w = q, of least length where C is singular.

    Args:
        confusion: C, `joint_confusion` of held-out source rows
        target: q, the mean prediction on the target

    Reference: Lipton, Wang, Smola, "Detecting and Correcting for Label Shift with Black Box Predictors", ICML 2018.
    """
    return jnp.maximum(jnp.linalg.lstsq(confusion, target)[0], 0.0)


def rlls_strength(classes: int, rows: int, delta: float = 0.05, alpha: float = 0.01) -> float:
    """rho of `rlls_weights` in the authors' code: alpha * 3 (2 L / (3 rows) + sqrt(2 L / rows)), L = ln(2 C / delta).

    `rows` are those that C was measured on. Reference: as `rlls_weights`.
    """
    log = math.log(2 * classes / delta)
    return alpha * 3 * (2 * log / (3 * rows) + math.sqrt(2 * log / rows))


def rlls_weights(
    confusion: Confusion, target: Float[Array, "classes"], strength: float, iterations: int = 100
) -> Weights:
    """1 + theta, theta = argmin over theta >= -1 of |C theta - (q - C 1)| + rho |theta| (lengths, not their squares).

    Iterated least squares: each solves min |C w - q|^2 / r + rho |w - 1|^2 / n over w >= 0, r and n the last lengths.
    Where rho is below what the noise asks for, w is that of `bbse_weights` with w >= 0 as constraint.

    Args:
        confusion: C, `joint_confusion` of held-out source rows
        target: q, the mean prediction on the target
        strength: rho, by default of the authors' code `rlls_strength`
        iterations: of the least squares

    Reference: Azizzadenesheli et al., "Regularized Learning for Domain Adaptation under Label Shifts", ICLR 2019.
    """
    gram, right = confusion.T @ confusion, confusion.T @ target
    eye, tiny = jnp.eye(len(target), dtype=target.dtype), jnp.finfo(target.dtype).eps

    def one(_: int, w: Weights) -> Weights:
        residual = jnp.linalg.norm(confusion @ w - target)
        ridge = strength * jnp.maximum(residual, tiny) / jnp.maximum(jnp.linalg.norm(w - 1), tiny)
        return nonnegative_least_squares(gram + ridge * eye, right + ridge, w)

    return jax.lax.fori_loop(0, iterations, one, nonnegative_least_squares(gram, right, jnp.ones_like(target)))


def nonnegative_least_squares(
    gram: Confusion, right: Float[Array, "classes"], start: Weights, sweeps: int = 1000
) -> Weights:
    """argmin over w >= 0 of w' G w / 2 - b' w, by the exact minimum along one coordinate after the other.

    A coordinate without curvature keeps its value. It ends where a sweep moves no weight by more than 1e-6.
    """
    curvature = jnp.diagonal(gram)

    def along(j: Array, w: Weights) -> Weights:
        slope = gram[j] @ w - right[j]
        best = jnp.maximum(w[j] - slope / jnp.where(curvature[j] > 0, curvature[j], 1.0), 0.0)
        return w.at[j].set(jnp.where(curvature[j] > 0, best, w[j]))

    def sweep(carry: tuple[Weights, Array, Array]) -> tuple[Weights, Array, Array]:
        before, number, _ = carry
        after = jax.lax.fori_loop(0, len(right), along, before)
        return after, number + 1, jnp.abs(after - before).max()

    def unfinished(carry: tuple[Weights, Array, Array]) -> Array:
        return (carry[1] < sweeps) & (carry[2] > 1e-6)

    return jax.lax.while_loop(unfinished, sweep, (start, jnp.int32(0), jnp.asarray(jnp.inf, start.dtype)))[0]


def mlls_weights(
    logits: Logits, prior: Float[Array, "classes"], iterations: int = 1000, tolerance: float = 1e-6
) -> Weights:
    """q / p at the shares q of largest likelihood: argmax over q of mean_i log sum_c p(c | x_i) q_c / p_c, by EM.

    E: r_ic ~ p(c | x_i) q_c / p_c, normalised; M: q_c = mean_i r_ic; from q = p, until no share moves by more than the
    tolerance. Each step raises the likelihood, which is concave in q.

    Args:
        logits: [B, C] of target rows; their softmax is p(c | x), calibrated by `fit_calibration`
        prior: p, the mean of the same classifier's predictions on source rows

    References: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 2002; Alexandari et al., ICML 2020.
    """
    tiny = jnp.finfo(logits.dtype).tiny
    log_prior = jnp.log(jnp.maximum(prior, tiny))

    def one(carry: tuple[Weights, Array, Array]) -> tuple[Weights, Array, Array]:
        q, number, _ = carry
        after = jax.nn.softmax(logits + (jnp.log(jnp.maximum(q, tiny)) - log_prior)[None]).mean(0)
        return after, number + 1, jnp.abs(after - q).max()

    def unfinished(carry: tuple[Weights, Array, Array]) -> Array:
        return (carry[1] < iterations) & (carry[2] > tolerance)

    start = prior, jnp.int32(0), jnp.asarray(jnp.inf, logits.dtype)
    return jax.lax.while_loop(unfinished, one, start)[0] / jnp.maximum(prior, tiny)


def reweighted(logits: Logits, weights: Weights) -> Logits:
    """log p(c | x) + log w_c, not normalised: what a classifier says of a domain whose classes are w times as frequent.

    A weight below 1e-8 counts as that, so that all logits are finite.
    """
    return jax.nn.log_softmax(logits) + jnp.log(jnp.maximum(weights, 1e-8))[None]
