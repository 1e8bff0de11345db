"""A bound for open sets: what is classified with little confidence is unknown."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy


@strategy
class MaxProbability(Additive):
    """Takes rows whose largest probability is below a threshold for unknown: "dann+max_probability" does so after DANN.

    loss = cross-entropy(source); scored as unknown where log threshold > log max_k p_k, p over the known classes

    Settings: `threshold`, a probability.

    Reference: Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017.
    """

    paper = "Hendrycks & Gimpel 2017"
    spaces = ("open", "universal")

    threshold: float = 0.9

    def transfer(self, model, state, outputs, batch, context):
        return jnp.float32(0), state, {}

    def scored(self, model, state, features, logits):
        known = jax.nn.log_softmax(logits[:, : model.known])
        unknown = jnp.full((len(known), 1), jnp.log(self.threshold))
        return jnp.concatenate([known, unknown], axis=1)
