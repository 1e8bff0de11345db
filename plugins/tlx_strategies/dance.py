"""Domain adaptive neighbourhood clustering via entropy optimisation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import Norm, both_domains, with_source_norm
from tlx.ops import cosine_logits, cross_entropy, entropies, row_norms


@strategy
class DANCE(Strategy):
    """Draws each target row to its neighbours, of the target or a class prototype, and its entropy off the boundary.

    loss = cross-entropy(source) + weight * mean [H(q_i) + s_i], q_i = the softmax over cos(f_i, v) / T of all class
    prototypes and all other target rows v; s_i = -|H(p_i) - rho| where that is above `margin` in size, else 0;
    p_i = the softmax over the prototypes, rho = ln(K) / 2

    A memory holds the unit features of the target's train rows as they were when last seen, zeros before; those of the
    batch are the present ones, with their gradient. A row is unknown where H(p) > rho. The authors make the prototypes
    unit vectors before each step; here they are so in the forward pass.

    Settings: `weight` eta; `margin`; `temperature` T; `norm`, by default each domain by itself, as there.

    Reference: Saito et al., "Universal Domain Adaptation through Self-Supervision", NeurIPS 2020.
    """

    paper = "Saito et al. 2020"
    spaces = ("closed", "partial", "open", "universal")

    weight: float = 0.05
    margin: float = 0.5
    temperature: float = 0.05
    norm: Norm = "separate"

    def init(self, model, key):
        model_key, own = jax.random.split(key)
        prototypes = jax.nn.initializers.lecun_normal()(own, (model.width, model.known))
        state = model.init(model_key).put_params(prototypes=prototypes)
        return state.put(memory=jnp.zeros((model.rows["target"], model.width)))

    def phases(self, model):
        def begin(state, context):
            return with_source_norm(state, self.norm)

        (phase,) = super().phases(model)
        return (phase._replace(begin=begin),)

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch, self.norm)
        task = cross_entropy(self.logits(state, source), batch.source.y)
        logits, index = self.logits(state, target), batch.target.index
        f = target / jnp.maximum(row_norms(target), 1e-8)[:, None]
        memory = state.extra["memory"]
        own = index[:, None] == jnp.arange(len(memory), dtype=index.dtype)[None]
        near = jnp.where(own, -1.0, f @ memory.at[index].set(f).T) / self.temperature
        clustering = jnp.mean(entropies(jnp.concatenate([logits, near], axis=1)))
        off = jnp.abs(entropies(logits) - jnp.log(model.known) / 2)
        separation = -jnp.mean(jnp.where(off > self.margin, off, 0))
        state = state.put(memory=memory.at[index].set(jax.lax.stop_gradient(f)))
        metrics = {"task": task, "clustering": clustering, "separation": separation}
        return task + self.weight * (clustering + separation), state, metrics

    def logits(self, state, features):
        """The scaled cosines of features and prototypes."""
        prototypes = state.params["prototypes"]
        unit = prototypes / jnp.linalg.norm(prototypes, axis=0, keepdims=True)
        return cosine_logits(features, unit, self.temperature)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        log_p = jax.nn.log_softmax(self.logits(state, features))
        over = entropies(log_p) - jnp.log(model.known) / 2
        unknown = (log_p.max(1) + over)[:, None]
        return log_p if model.outputs == model.known else jnp.concatenate([log_p, unknown], axis=1)
