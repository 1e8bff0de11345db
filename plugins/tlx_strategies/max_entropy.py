"""A bound for open sets: what is classified with a high entropy is unknown."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import entropies


@strategy
class MaxEntropy(Additive):
    """Takes rows whose predictions' entropy is above a threshold for unknown: "dann+max_entropy" does so after DANN.

    loss = cross-entropy(source); scored as unknown where H(p) > threshold * log K, p over the K known classes

    Settings: `threshold`, a share of the largest entropy; 0.5 in UAN and DANCE.

    Reference: You et al., "Universal Domain Adaptation", CVPR 2019.
    """

    paper = "You et al. 2019"
    spaces = ("open", "universal")

    threshold: float = 0.5

    def transfer(self, model, state, outputs, batch, context):
        return jnp.float32(0), state, {}

    def scored(self, model, state, features, logits):
        known = jax.nn.log_softmax(logits[:, : model.known])
        over = entropies(known) - self.threshold * jnp.log(model.known)
        return jnp.concatenate([known, (known.max(1) + over)[:, None]], axis=1)
