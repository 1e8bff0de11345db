"""Margin disparity discrepancy."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.ops.classification import cross_entropy


def margin_disparity(
    source: Float[Array, "n classes"],
    source_adversary: Float[Array, "n classes"],
    target: Float[Array, "m classes"],
    target_adversary: Float[Array, "m classes"],
    margin: Float[Array, ""] | float = 4.0,
) -> Float[Array, ""]:
    """What the adversary f' descends: to agree with f on the source and to differ from it on the target.

    -margin mean log p'_y(s) - mean log(1 - p'_y(t)), p' = softmax(f'), y = argmax f, which has no gradient. The
    discrepancy of the domains is the negative of its minimum over f'.

    Args:
        source, target: [n, classes], [m, classes] logits of the classifier f
        source_adversary, target_adversary: of the adversary f'
        margin: gamma = exp(the paper's margin rho)

    Zhang et al. 2019, "Bridging Theory and Algorithm for Domain Adaptation", equations 29 and 30.
    """
    agree = cross_entropy(source_adversary, jnp.argmax(source, 1))
    taken = jax.nn.one_hot(jnp.argmax(target, 1), target.shape[1], dtype=bool)
    # log(1 - p_y) = log sum_{k != y} exp z_k - log sum_k exp z_k, finite where p_y rounds to 1
    others = jax.nn.logsumexp(jnp.where(taken, -jnp.inf, target_adversary), axis=1)
    differ = jax.nn.logsumexp(target_adversary, axis=1) - others
    return margin * agree + jnp.mean(differ)
