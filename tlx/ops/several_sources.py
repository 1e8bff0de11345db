"""What is computed over several source domains: their moments, their invariance, the worst of them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tlx.ops.features import row_norms
from tlx.ops.predictions import cross_entropy


def moment_matching(
    sources: Float[Array, "domains n width"], target: Float[Array, "m width"], moments: int = 5
) -> Float[Array, ""]:
    """sum_{k = 1..moments} [ mean_i |E f_i^k - E f_T^k| + mean_{i < j} |E f_i^k - E f_j^k| ], powers by element.

    Args:
        sources: the features of n rows of every source domain; one domain has no pair
        target: [m, width]
        moments: 2 in the paper's equation, 5 in its code

    Peng et al. 2019, "Moment Matching for Multi-Source Domain Adaptation", equation 1.
    """
    domains, total = sources.shape[0], jnp.zeros((), sources.dtype)
    first, second = jnp.triu_indices(domains, 1)
    for k in range(1, moments + 1):
        of_sources, of_target = (sources**k).mean(1), (target**k).mean(0, keepdims=True)
        total += row_norms(of_sources - of_target).mean()
        if domains > 1:
            total += row_norms(of_sources[first] - of_sources[second]).mean()
    return total


def invariance_penalty(logits: Float[Array, "n classes"], y: Int[Array, " n"]) -> Float[Array, ""]:
    """g(even rows) g(odd rows), g = d/dw mean cross-entropy(w logits, y) at w = 1: unbiased for |g|^2.

    Arjovsky et al. 2019, "Invariant Risk Minimization", IRMv1 and appendix D (two halves of a batch).
    """

    def slope(half: slice) -> Float[Array, ""]:
        return jax.grad(lambda scale: cross_entropy(scale * logits[half], y[half]))(jnp.ones((), logits.dtype))

    return slope(slice(0, None, 2)) * slope(slice(1, None, 2))


def group_weights(
    weights: Float[Array, " groups"], losses: Float[Array, " groups"], rate: float | Array
) -> Float[Array, " groups"]:
    """q_g exp(rate loss_g), normalised to sum to one: a step of exponentiated ascent to the worst group.

    Sagawa et al. 2020, "Distributionally Robust Neural Networks for Group Shifts", algorithm 1.
    """
    return jax.nn.softmax(jnp.log(weights) + rate * losses)
