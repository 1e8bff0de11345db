"""Pseudo-labels."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import cross_entropies


@strategy
class PseudoLabel(Additive):
    """Takes the classifier's own labels of target images for true ones, with a weight that grows.

    loss = cross-entropy(source) + alpha(p) * mean_i m_i cross-entropy(p_i, argmax p_i),
    m_i = 1 where max p_i >= threshold, alpha = 0 before `begin` of the phase, `weight` from `full` on, linear between

    Like `entropy_min` it strengthens what is there, errors too.

    Settings: `weight` 3; `begin`, `full` (the paper: epochs 100 and 600); `threshold`, 0 as in the paper.

    Reference: Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks",
    ICML workshops 2013.
    """

    paper = "Lee 2013"

    weight: float = 3.0
    begin: float = 0.1
    full: float = 0.6
    threshold: float = 0.0

    def transfer(self, model, state, outputs, batch, context):
        logits = outputs.target_logits
        sure = jnp.float32(jnp.max(jax.nn.softmax(logits), 1) >= self.threshold)
        pseudo = jnp.mean(sure * cross_entropies(logits, jnp.argmax(logits, 1)))
        alpha = self.weight * jnp.clip((context.progress - self.begin) / (self.full - self.begin), 0, 1)
        return alpha * pseudo, state, {"pseudo": pseudo, "sure": jnp.mean(sure)}
