"""Higher-order moment matching."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def moment_distance(
    source: Float[Array, "n width"], target: Float[Array, "m width"], indices: Int[Array, "samples order"]
) -> Float[Array, ""]:
    """The mean over index tuples (i, j, ...) of (E_s[f_i f_j ...] - E_t[f_i f_j ...])^2.

    With every tuple once, |E_s f^(x p) - E_t f^(x p)|_F^2 / width^p; with random ones, an unbiased estimate of it.

    Args:
        source, target: [n, width], [m, width]
        indices: [samples, p] in 0..width-1, p the order of the moment

    Chen et al. 2020, "HoMM: Higher-order Moment Matching for Unsupervised Domain Adaptation", equations 3 and 6.
    """
    moments = [jnp.prod(x[:, indices], axis=2).mean(0) for x in (source, target)]
    return jnp.mean((moments[0] - moments[1]) ** 2)
