"""Pseudo-labels by class centroids."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def centroid_labels(features: Float[Array, "rows width"], logits: Float[Array, "rows classes"]) -> Int[Array, " rows"]:
    """Each row's nearest class centroid by cosine distance, after one re-assignment.

    c_k = sum_i p_ik f_i / sum_i p_ik over f_i = [features_i, 1] / |.|; label_i = argmin_k D_cos(f_i, c_k); then once
    more with the labels' one-hot in place of p. A class without rows in the second round keeps no centroid and is not
    chosen.

    Liang et al. 2020, "Do We Really Need to Access the Source Data?" (SHOT), equations 5 and 6.
    """
    rows = jnp.concatenate([features, jnp.ones((features.shape[0], 1))], 1)
    rows = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)

    def nearest(weights: Float[Array, "rows classes"]) -> Int[Array, " rows"]:
        mass = weights.sum(0)
        centroids = weights.T @ rows / jnp.maximum(mass, 1e-8)[:, None]
        length = jnp.maximum(jnp.linalg.norm(centroids, axis=1), 1e-8)
        similarity = rows @ (centroids / length[:, None]).T
        return jnp.argmax(jnp.where(mass > 0, similarity, -jnp.inf), 1)

    first = nearest(jax.nn.softmax(logits))
    return nearest(jax.nn.one_hot(first, logits.shape[1]))


def align_distribution(
    target: Float[Array, "n classes"], source: Float[Array, "m classes"]
) -> Float[Array, "n classes"]:
    """q_i = normalise(p_i * mean source / mean target): predictions whose classes are as frequent as the source's.

    Berthelot et al. 2022, "AdaMatch", equation 4; both arguments are probabilities.
    """
    aligned = target * source.mean(0) / jnp.maximum(target.mean(0), 1e-12)
    return aligned / jnp.maximum(aligned.sum(1, keepdims=True), 1e-12)
