"""Logit adjustment."""

import jax.numpy as jnp

from tlx import strategy
from tlx.blocks import Imbalanced
from tlx.ops import cross_entropies, log_shares


@strategy
class LogitAdjustment(Imbalanced):
    """Imbalance: learns the source with the log of the class shares added to the logits, and predicts without it.

    loss = cross-entropy(f(x) + tau log pi), pi the shares of the source's classes; predictions are argmax f(x)

    With equal shares it is `source_only`. The Bayes rule that it estimates is that of equal shares, whatever the
    target's are.

    Settings: `tau` 1.

    Reference: Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021, equation 10.
    """

    paper = "Menon et al. 2021"

    tau: float = 1.0

    def losses(self, logits, y, counts, context):
        return cross_entropies(logits + self.tau * log_shares(counts)[None], y), jnp.ones(len(y))
