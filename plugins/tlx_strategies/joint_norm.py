"""The second baseline: batch norm over both domains, and nothing else."""

import jax.numpy as jnp

from tlx import Additive, strategy


@strategy
class JointNorm(Additive):
    """Trains on the source while both domains pass batch norm together: what aligning terms are to be measured by.

    loss = task loss(source), the statistics of batch norm over source and target rows of a step

    Batch norm over both domains adapts by itself. A term of a strategy that derives from `tlx.Additive` adds what such
    a strategy scores above this one, not above `source_only`. Without batch norm it is `source_only`.
    """

    targets = ("classes", "real")

    def transfer(self, model, state, outputs, batch, context):
        return jnp.zeros(()), state, {}
