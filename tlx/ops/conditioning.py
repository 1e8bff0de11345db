"""What a conditional discriminator sees: features and predictions together."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def multilinear_map(
    features: Float[Array, "batch width"], probabilities: Float[Array, "batch classes"]
) -> Float[Array, "batch width*classes"]:
    """f (x) g of each row, the outer product laid out flat: their joint moments.

    Long et al. 2018, "Conditional Adversarial Domain Adaptation" (CDAN), equation 4.
    """
    return (features[:, :, None] * probabilities[:, None, :]).reshape(features.shape[0], -1)


def random_multilinear_map(
    features: Float[Array, "batch width"],
    probabilities: Float[Array, "batch classes"],
    of_features: Float[Array, "width out"],
    of_probabilities: Float[Array, "classes out"],
) -> Float[Array, "batch out"]:
    """(f R_f) * (g R_g) / sqrt(out), whose inner products estimate those of `multilinear_map`.

    Args:
        of_features, of_probabilities: R_f and R_g, drawn once by `random_maps`

    Long et al. 2018, equation 5.
    """
    return (features @ of_features) * (probabilities @ of_probabilities) / jnp.sqrt(of_features.shape[1])


def random_maps(
    key: PRNGKeyArray, width: int, classes: int, out: int
) -> tuple[Float[Array, "width out"], Float[Array, "classes out"]]:
    """R_f and R_g with independent standard normal entries."""
    first, second = jax.random.split(key)
    return jax.random.normal(first, (width, out)), jax.random.normal(second, (classes, out))
