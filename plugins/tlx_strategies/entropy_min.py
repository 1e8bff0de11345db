"""Entropy minimisation."""

import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import entropies


@strategy
class EntropyMin(Additive):
    """Pushes the decision boundary away from target images, by making predictions on them certain.

    loss = cross-entropy(source) + weight * mean H(p_i), p the softmax of the target batch

    Nothing keeps it from putting a class's images into another: where the source classifier errs, it errs with more
    certainty. See `im`, `bnm` and `mcc` for terms that ask for diversity as well.

    Settings: `weight` 0.1; the paper chooses it by validation.

    Reference: Grandvalet and Bengio, "Semi-supervised Learning by Entropy Minimization", NeurIPS 2004.
    """

    paper = "Grandvalet and Bengio 2004"

    weight: float = 0.1

    def transfer(self, model, state, outputs, batch, context):
        entropy = jnp.mean(entropies(outputs.target_logits))
        return self.weight * entropy, state, {"entropy": entropy}
