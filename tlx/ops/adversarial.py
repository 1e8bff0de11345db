"""The loss of a domain discriminator."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def domain_loss(source: Float[Array, " n"], target: Float[Array, " m"]) -> Float[Array, ""]:
    """-(mean log sigmoid(source) + mean log(1 - sigmoid(target))) / 2: source is 1, target 0, each domain counts half.

    Args:
        source: [n] logits of the discriminator on source rows
        target: [m] on target rows

    Ganin et al. 2016, equation 9.
    """
    ones, zeros = jnp.ones_like(source), jnp.zeros_like(target)
    real = optax.sigmoid_binary_cross_entropy(source, ones).mean()
    return (real + optax.sigmoid_binary_cross_entropy(target, zeros).mean()) / 2


def domain_accuracy(source: Float[Array, " n"], target: Float[Array, " m"]) -> Float[Array, ""]:
    """The share of rows on the right side of 0, each domain counting half: 0.5 where the domains are confused."""
    return (jnp.mean(source > 0) + jnp.mean(target <= 0)) / 2
