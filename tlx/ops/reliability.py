"""Which rows of an unlabelled batch to learn from."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.classification import entropies


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
