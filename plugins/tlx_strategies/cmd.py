"""Central moment discrepancy."""

from typing import Literal

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import central_moment_discrepancy

BOUNDED = {"sigmoid": (jax.nn.sigmoid, 1.0), "tanh": (jnp.tanh, 2.0)}  # and the length of its interval


@strategy
class CMD(Additive):
    """Aligns the mean and the central moments of every feature (central moment discrepancy).

    loss = cross-entropy(source) + weight * (|m_s - m_t| / (b - a) + sum_{k = 2..K} |c_k(s) - c_k(t)| / (b - a)^k),
    m and c_k of bound(f) in [a, b]

    The authors' code does not divide by (b - a)^k: with "tanh" its k-th term is 2^k times this one.

    The paper's last layer is bounded by itself; here the discrepancy sees the features through `bound`.

    Settings: `weight` 1; `moments` K, 5; `bound`, "sigmoid" or "tanh".

    Reference: Zellinger et al., "Central Moment Discrepancy (CMD) for Domain-Invariant Representation Learning", ICLR
    2017.
    """

    paper = "Zellinger et al. 2017"
    targets = ("classes", "real")

    weight: float = 1.0
    moments: int = 5
    bound: Literal["sigmoid", "tanh"] = "sigmoid"

    def transfer(self, model, state, outputs, batch, context):
        bound, span = BOUNDED[self.bound]
        gap = central_moment_discrepancy(bound(outputs.source), bound(outputs.target), self.moments, span)
        return self.weight * gap, state, {"cmd": gap}
