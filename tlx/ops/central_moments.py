"""Central moment discrepancy."""

from jaxtyping import Array, Float

from tlx.ops.norms import row_norms


def central_moment_discrepancy(
    source: Float[Array, "n width"], target: Float[Array, "m width"], moments: int = 5, span: float = 1.0
) -> Float[Array, ""]:
    """|m_s - m_t| / span + sum_{k = 2..moments} |c_k(s) - c_k(t)| / span^k, c_k = mean (x - m)^k of each feature.

    Args:
        source, target: [n, width], [m, width], bounded: every feature in an interval of length `span`
        moments: K; 5 in the paper
        span: b - a; 1 for sigmoid, 2 for tanh

    Zellinger et al. 2017, "Central Moment Discrepancy for Domain-Invariant Representation Learning", equation 9.
    """
    mean_s, mean_t = source.mean(0), target.mean(0)
    total = row_norms(mean_s - mean_t) / span
    for k in range(2, moments + 1):
        total += row_norms(((source - mean_s) ** k).mean(0) - ((target - mean_t) ** k).mean(0)) / span**k
    return total
