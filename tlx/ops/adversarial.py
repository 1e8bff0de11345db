"""The loss of a domain discriminator."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def domain_loss(
    source: Float[Array, " n"],
    target: Float[Array, " m"],
    source_weights: Float[Array, " n"] | None = None,
    target_weights: Float[Array, " m"] | None = None,
) -> Float[Array, ""]:
    """-(mean log sigmoid(source) + mean log(1 - sigmoid(target))) / 2: source is 1, target 0, each domain counts half.

    Args:
        source: [n] logits of the discriminator on source rows
        target: [m] on target rows
        source_weights: [n], for a weighted mean; the sum that divides it has no gradient
        target_weights: [m]

    Ganin et al. 2016, equation 9; weighted, Long et al. 2018, equation 10.
    """
    ones, zeros = jnp.ones_like(source), jnp.zeros_like(target)
    real = _mean(optax.sigmoid_binary_cross_entropy(source, ones), source_weights)
    return (real + _mean(optax.sigmoid_binary_cross_entropy(target, zeros), target_weights)) / 2


def _mean(losses: Float[Array, " n"], weights: Float[Array, " n"] | None) -> Float[Array, ""]:
    if weights is None:
        return losses.mean()
    return jnp.sum(weights * losses) / jax.lax.stop_gradient(weights.sum())


def domain_accuracy(source: Float[Array, " n"], target: Float[Array, " m"]) -> Float[Array, ""]:
    """The share of rows on the right side of 0, each domain counting half: 0.5 where the domains are confused."""
    return (jnp.mean(source > 0) + jnp.mean(target <= 0)) / 2


def confusion_loss(logits: Float[Array, " n"]) -> Float[Array, ""]:
    """-mean (log sigmoid + log(1 - sigmoid)) / 2: the cross-entropy to a discriminator that cannot tell, log 2 at best.

    Tzeng et al. 2015, "Simultaneous Deep Transfer Across Domains and Tasks", equation 4.
    """
    return jnp.mean(jax.nn.softplus(logits) + jax.nn.softplus(-logits)) / 2
