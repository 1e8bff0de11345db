"""Learning from the network's own predictions: pseudo-labels, neighbours, graphs, and the rows to trust."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from tlx.errors import SettingError
from tlx.ops.predictions import entropies


def centroid_labels(features: Float[Array, "rows width"], logits: Float[Array, "rows classes"]) -> Int[Array, " rows"]:
    """Each row's nearest class centroid by cosine distance, after one re-assignment.

    c_k = sum_i p_ik f_i / sum_i p_ik over f_i = [features_i, 1] / |.|; label_i = argmin_k D_cos(f_i, c_k); then once
    more with the labels' one-hot in place of p. A class without rows in the second round keeps no centroid and is not
    chosen. Nor is one whose mass is far below 1e-16 in the first, as its centroid's length is lost.

    In the authors' code a class without rows has a cosine of NaN, which argmin takes: every row gets that class.
    There a class of any mass above 0 has a centroid.

    Liang et al. 2020, "Do We Really Need to Access the Source Data?" (SHOT), equations 5 and 6.
    """
    rows = jnp.concatenate([features, jnp.ones((features.shape[0], 1), features.dtype)], 1)
    rows = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)

    def nearest(weights: Float[Array, "rows classes"]) -> Int[Array, " rows"]:
        mass = weights.sum(0)
        centroids = weights.T @ rows / jnp.maximum(mass, 1e-8)[:, None]
        length = jnp.maximum(jnp.linalg.norm(centroids, axis=1), 1e-8)
        similarity = rows @ (centroids / length[:, None]).T
        return jnp.argmax(jnp.where(mass > 0, similarity, -jnp.inf), 1)

    first = nearest(jax.nn.softmax(logits))
    return nearest(jax.nn.one_hot(first, logits.shape[1], dtype=logits.dtype))


def confident_rows(
    confidence: Float[Array, " rows"], among: Bool[Array, " rows"], share: float | Array
) -> Bool[Array, " rows"]:
    """Marks, of the rows `among`, the ceil(share * their number) of the highest confidence; of equal ones the first.

    Kumar et al. 2020, "Understanding Self-Training for Gradual Domain Adaptation" (share 0.9).
    """
    order = jnp.argsort(jnp.where(among, -confidence, jnp.inf), stable=True)
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(len(order), dtype=order.dtype))
    count = jnp.ceil(share * jnp.sum(among).astype(jnp.float32) - 1e-4).astype(order.dtype)
    return among & (rank < count)


def align_distribution(
    target: Float[Array, "n classes"], source: Float[Array, "m classes"]
) -> Float[Array, "n classes"]:
    """q_i = normalise(p_i * mean source / mean target): predictions whose classes are as frequent as the source's.

    Berthelot et al. 2022, "AdaMatch", equation 4; both arguments are probabilities.
    """
    aligned = target * source.mean(0, keepdims=True) / jnp.maximum(target.mean(0, keepdims=True), 1e-12)
    return aligned / jnp.maximum(aligned.sum(1, keepdims=True), 1e-12)


def neighbour_probabilities(
    features: Float[Array, "batch width"],
    index: Int[Array, " batch"],
    bank: Float[Array, "rows width"],
    bank_p: Float[Array, "rows classes"],
    count: int = 5,
) -> Float[Array, "batch classes"]:
    """The mean of the probabilities that the bank holds of each row's nearest entries, its own entry left out.

    Args:
        features: [B, width] unit rows
        index: [B], each row's own place in the bank
        bank: [rows, width] unit rows; nearness is the inner product, so the cosine
        bank_p: [rows, classes]
        count: of neighbours

    Liang et al. 2021, "Domain Adaptation with Auxiliary Target Domain-Oriented Classifier" (ATDOC), equation 6.

    Raises:
        SettingError: the bank has fewer other rows than neighbours, or there are to be none.
    """
    others = bank.shape[0] - 1
    if not 1 <= count <= others:
        expected = f"from 1 to {others}" if others else "a target of two train rows or more"
        raise SettingError(
            f"neighbours is {count}, of the {others} other train rows of the target; expected {expected}."
        )
    near = features @ bank.T
    own = index[:, None] == jnp.arange(bank.shape[0], dtype=index.dtype)[None]
    _, nearest = jax.lax.top_k(jnp.where(own, -jnp.inf, near), count)
    return jnp.take(bank_p, nearest, axis=0).mean(1)


def sharpened(p: Float[Array, "batch classes"]) -> Float[Array, "batch classes"]:
    """p_ic^2 / sum_i p_ic^2: certain entries count more, and every class the same over the batch. ATDOC, equation 5."""
    return p**2 / jnp.maximum((p**2).sum(0, keepdims=True), 1e-12)


def neighbour_affinity(features: Float[Array, "n width"], neighbours: int) -> Float[Array, "n n"]:
    """w_ij = 1 where j is one of the nearest `neighbours` of i (at most n - 1) by cosine similarity, i left out."""
    n = features.shape[0]
    unit = features / jnp.maximum(jnp.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = jnp.where(jnp.eye(n, dtype=bool), -jnp.inf, unit @ unit.T)
    _, nearest = jax.lax.top_k(similarity, min(neighbours, n - 1))
    return jnp.zeros((n, n), features.dtype).at[jnp.arange(n)[:, None], nearest].set(1.0)


def laplacian_adjusted(
    log_p: Float[Array, "n classes"], affinity: Float[Array, "n n"], iterations: int = 100
) -> Float[Array, "n classes"]:
    """log z after `iterations` of z_i <- softmax(log p_i + sum_j w_ij z_j), from z = p.

    Each lowers sum_i KL(z_i || p_i) - sum_ij w_ij z_i . z_j / 2 where w is symmetric and positive semi-definite.

    Boudiaf et al. 2022, "Parameter-free Online Test-time Adaptation" (LAME), equations 4 and 8.
    """

    def one(_: int, log_z: Float[Array, "n classes"]) -> Float[Array, "n classes"]:
        return jax.nn.log_softmax(log_p + affinity @ jnp.exp(log_z))

    return jax.lax.fori_loop(0, iterations, one, jax.nn.log_softmax(log_p))


def reliable_entropy(
    logits: Float[Array, "batch classes"],
    seen: Float[Array, " classes"],
    margin: float | Float[Array, ""] = 0.4,
    overlap: float | Float[Array, ""] = 0.4,
) -> tuple[Float[Array, ""], Float[Array, " classes"], Float[Array, ""]]:
    """The mean over the kept rows of w_i H(p_i), w of `reliable_weights`; `seen` after the batch; the share kept.

    seen <- 0.9 seen + 0.1 mean of the kept p_i, from the first such mean on. Arguments are those of `reliable_weights`;
    w and `seen` have no gradient.

    Niu et al. 2022, "Efficient Test-Time Model Adaptation without Forgetting" (EATA), equations 2 and 6.
    """
    weights = jax.lax.stop_gradient(reliable_weights(logits, seen, margin, overlap))
    kept = (weights > 0).astype(logits.dtype)
    count = jnp.maximum(kept.sum(), 1)
    mean = jax.lax.stop_gradient(kept @ jax.nn.softmax(logits) / count)
    moved = jnp.where(seen.any(), 0.9 * seen + 0.1 * mean, mean)
    return weights @ entropies(logits) / count, jnp.where(kept.any(), moved, seen), jnp.mean(kept)


def reliable_weights(
    logits: Float[Array, "batch classes"],
    seen: Float[Array, " classes"],
    margin: float | Float[Array, ""] = 0.4,
    overlap: float | Float[Array, ""] = 0.4,
) -> Float[Array, " batch"]:
    """exp(E_0 - H(p_i)) where H(p_i) < E_0 = margin ln classes and |cos(p_i, seen)| < overlap, else 0.

    Args:
        logits: [B, classes]
        seen: [classes], the mean prediction so far; zeros (nothing seen) leave no row out
        margin, overlap: bounds of entropy and similarity

    Niu et al. 2022, "Efficient Test-Time Model Adaptation without Forgetting" (EATA), equations 3 to 6.
    """
    p, entropy = jax.nn.softmax(logits), entropies(logits)
    limit = margin * jnp.log(logits.shape[1])
    lengths = jnp.linalg.norm(p, axis=1) * jnp.linalg.norm(seen)
    cosine = p @ seen / jnp.maximum(lengths, 1e-12)
    return jnp.where((entropy < limit) & (jnp.abs(cosine) < overlap), jnp.exp(limit - entropy), 0.0)
