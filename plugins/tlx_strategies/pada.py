"""Partial adversarial domain adaptation."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, Sweep, strategy
from tlx.blocks import Norm, both_domains, with_source_norm
from tlx.layers import MLP
from tlx.ops import cross_entropies, dann_ramp, domain_accuracy, domain_loss, reverse_gradient


@strategy
class PADA(Strategy):
    """DANN that weighs the source's classes by how often target rows are taken for them.

    loss = mean_i w_{y_i} cross-entropy_i(source) + weight * domain_loss(D(R(f)), source rows weighted by w_y),
    w = v / max v, v = mean of p(y | x) over the target train rows, anew in every round; 1 in the first

    A class that the target lacks so falls out of both losses. The authors average over the target in evaluation mode
    every 500 steps. R and its coefficient are those of `dann`.

    Settings: `weight`; `gamma`, how fast the coefficient grows; `hidden`, the discriminator's layers; `norm`, how batch
    norm sees the domains (`tlx.blocks.both_domains`).

    Reference: Cao et al., "Partial Adversarial Domain Adaptation", ECCV 2018.
    """

    paper = "Cao et al. 2018"
    spaces = ("closed", "partial")

    weight: float = 1.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)
    norm: Norm = "joint"

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))
        return state.put(weights=jnp.ones(model.known))

    def phases(self, model):
        def each(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x))

        def refresh(state, swept, context):
            shares = swept["target"].mean(0)
            return state.put(weights=jnp.where(context.progress > 0, shares / shares.max(), 1.0))

        def loss(state, batch, context):
            source, target, state = both_domains(model, state, batch, self.norm)
            logits, state = model.classify(state, source)
            w = state.extra["weights"][batch.source.y]
            flow = dann_ramp(context.progress, self.gamma)
            judged, state = model.apply(state, "critic", reverse_gradient(jnp.concatenate([source, target]), flow))
            on_source, on_target = jnp.split(judged[:, 0], [len(source)])
            domain = domain_loss(on_source, on_target, w)
            task = jnp.mean(w * cross_entropies(logits, batch.source.y))
            metrics = {"task": task, "domain": domain, "domain_accuracy": domain_accuracy(on_source, on_target)}
            return task + self.weight * domain, state, metrics

        def begin(state, context):
            return with_source_norm(state, self.norm)

        sweeps = {"target": Sweep("target", each)}
        return (Phase((Objective(loss),), begin=begin, sweeps=sweeps, refresh=refresh),)
