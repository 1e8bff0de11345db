"""Batch nuclear-norm maximisation."""

import jax

from tlx import Additive, strategy
from tlx.ops import nuclear_norm


@strategy
class BNM(Additive):
    """Makes the target's predictions certain and diverse at once, by the nuclear norm of the batch.

    loss = cross-entropy(source) - weight * |P|_* / B, P [B, classes] the softmax of the target batch

    Settings: `weight` 1.

    Reference: Cui et al., "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label
    Insufficient Situations", CVPR 2020.
    """

    paper = "Cui et al. 2020"

    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        norm = nuclear_norm(jax.nn.softmax(outputs.target_logits)) / len(outputs.target_logits)
        return -self.weight * norm, state, {"nuclear_norm": norm}
