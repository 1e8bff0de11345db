"""Importance weighted adversarial nets for partial adaptation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import dann_ramp, domain_accuracy, domain_loss, entropies, reverse_gradient


@strategy
class IWAN(Additive):
    """One discriminator finds source rows that look like no target row; the other, adversarial, counts them less.

    loss = cross-entropy(source) + domain_loss(D(f)) + weight * domain_loss(D0(R(f)), source rows weighted by w)
    + entropy * mean H(p(target)), w_i = (1 - sigmoid D(f_i)) / mean_j (1 - sigmoid D(f_j))

    D moves no feature and w has no gradient. The paper has a source encoder that is frozen and a target encoder; here,
    as in TLLib, one network encodes both. R and its coefficient are those of `dann`.

    Settings: `weight`; `entropy`, gamma of the paper, 0.1 there; `gamma`, how fast R's coefficient grows; `hidden`, the
    layers of both discriminators.

    Reference: Zhang et al., "Importance Weighted Adversarial Nets for Partial Domain Adaptation", CVPR 2018.
    """

    paper = "Zhang et al. 2018"
    spaces = ("closed", "partial")

    weight: float = 1.0
    entropy: float = 0.1
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        model_key, first, second = jax.random.split(key, 3)
        sizes, state = (model.width, *self.hidden, 1), model.init(model_key)
        for name, critic_key in (("weigher", first), ("critic", second)):
            state = model.add(state, critic_key, name, lambda rngs: MLP(sizes, True, rngs=rngs))
        return state

    def transfer(self, model, state, outputs, batch, context):
        features, split = jnp.concatenate([outputs.source, outputs.target]), [len(outputs.source)]
        judged, state = model.apply(state, "weigher", jax.lax.stop_gradient(features))
        source, target = jnp.split(judged[:, 0], split)
        weigher = domain_loss(source, target)
        likeness = jax.lax.stop_gradient(jax.nn.sigmoid(-source))
        w = likeness / jnp.maximum(likeness.mean(), 1e-8)
        flow = dann_ramp(context.progress, self.gamma)
        judged, state = model.apply(state, "critic", reverse_gradient(features, flow))
        source, target = jnp.split(judged[:, 0], split)
        domain, unsure = domain_loss(source, target, w), jnp.mean(entropies(outputs.target_logits))
        metrics = {"weigher": weigher, "domain": domain, "domain_accuracy": domain_accuracy(source, target)}
        return weigher + self.weight * domain + self.entropy * unsure, state, metrics
