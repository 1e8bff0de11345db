"""A bound for open sets: what has a higher energy than nearly all source rows is unknown."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy


@strategy
class MaxEnergy(Additive):
    """Takes rows of a higher energy than a share of the source has for unknown: "dann+max_energy" does so after DANN.

    loss = cross-entropy(source); E = -log sum_k exp z_k over the known classes; scored as unknown where E > e, e the
    running mean over steps of the quantile `kept` of E over a source batch

    Settings: `kept`, the share of source rows that pass for known, 0.95 in the paper; `decay` of the running mean.

    Reference: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020.
    """

    paper = "Liu et al. 2020"
    spaces = ("open", "universal")

    kept: float = 0.95
    decay: float = 0.95

    def init(self, model, key):
        return model.init(key).put(energy=jnp.float32(0))

    def transfer(self, model, state, outputs, batch, context):
        energies = -jax.nn.logsumexp(outputs.source_logits[:, : model.known], axis=1)
        now = jnp.quantile(jax.lax.stop_gradient(energies), self.kept)
        mean = self.decay * state.extra["energy"] + (1 - self.decay) * now
        return jnp.float32(0), state.put(energy=mean), {"energy": mean}

    def scored(self, model, state, features, logits):
        known = logits[:, : model.known]
        over = -jax.nn.logsumexp(known, axis=1) - state.extra["energy"]
        return jnp.concatenate([known, (known.max(1) + over)[:, None]], axis=1)
