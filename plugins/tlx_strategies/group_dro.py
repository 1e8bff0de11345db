"""Group distributionally robust optimisation."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.ops import group_weights


@strategy
class GroupDRO(Strategy):
    """Trains on the source domains by weights that move to the one of the greatest loss; sees no target.

    loss = sum_d q_d cross-entropy(source_d), after q_d <- q_d exp(rate cross-entropy(source_d)), normalised

    A step takes equal blocks of every source domain.

    Settings: `rate`, the step of the weights (0.01).

    Reference: Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts", ICLR 2020.
    """

    paper = "Sagawa et al. 2020"

    rate: float = 0.01

    def init(self, model, key):
        return model.init(key).put(q=jnp.full(model.domains, 1 / model.domains))

    def phases(self, model):
        def loss(state, batch, context):
            features, state = model.features(state, batch.source.x)
            logits, state = model.classify(state, features)
            by_domain = batch.source._replace(x=logits).by_domain(model.domains)
            losses = jnp.stack([model.task_loss(x, y) for x, y in zip(by_domain.x, by_domain.y, strict=True)])
            q = group_weights(state.extra["q"], jax.lax.stop_gradient(losses), self.rate)
            return q @ losses, state.put(q=q), {"worst": losses.max()}

        return (Phase((Objective(loss),), sees=frozenset({"source"}), draw={"source": "domain"}),)
