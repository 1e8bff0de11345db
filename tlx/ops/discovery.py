"""Which rows of new classes belong together. Shape vocabulary: rows N, of a batch; features W; classes C."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Pairs = Bool[Array, "rows rows"]


def same_largest(features: Float[Array, "rows width"], count: int) -> Pairs:
    """Which pairs of rows have the same set of `count` largest features, in size; its order does not matter.

    Han et al. 2020, "Automatically Discovering and Learning New Visual Categories with Ranking Statistics", section
    2.2; the features there are not negative, behind a ReLU.
    """
    places = jax.lax.top_k(jnp.abs(jax.lax.stop_gradient(features)), count)[1]
    own = jax.nn.one_hot(places, features.shape[1], dtype=jnp.float32).sum(1)
    return own @ own.T > count - 0.5


def pair_cross_entropy(
    first: Float[Array, "rows classes"], second: Float[Array, "rows classes"], same: Pairs
) -> Float[Array, ""]:
    """-mean_ij log (s_ij p_i . q_j + (1 - s_ij) (1 - p_i . q_j)): whether pairs of rows are of one class.

    `first` and `second` are the probabilities p and q of two views of the rows; s_ij is 1 for a pair of one class. Han
    et al. 2020, equation 2, and their code.
    """
    agreement = first @ second.T
    return -jnp.mean(jnp.log(jnp.where(same, agreement, 1 - agreement) + 1e-7))
