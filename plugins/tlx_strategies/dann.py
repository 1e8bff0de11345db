"""Domain-adversarial training."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.ops import (
    both_domains,
    cross_entropy,
    dann_ramp,
    domain_accuracy,
    domain_loss,
    mlp_apply,
    mlp_init,
    reverse_gradient,
)


@strategy
class DANN(Strategy):
    """Trains features that a domain discriminator cannot tell apart, by reversing its gradient.

    loss = cross-entropy(source) + weight * domain_loss(D(R(f(x)))), R the identity with gradient -lambda(p),
    lambda(p) = 2 / (1 + exp(-gamma p)) - 1

    Settings: `weight`; `gamma`, how fast lambda grows; `hidden`, the discriminator's layers (batch norm and ReLU, as in
    TLLib).

    Reference: Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016.
    """

    paper = "Ganin et al. 2016"

    weight: float = 1.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        state = model.init(key)
        critic = mlp_init(jax.random.fold_in(key, 1), (model.width, *self.hidden, 1), normalised=True)
        return state._replace(params={**state.params, "critic": critic})

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch)
        task = cross_entropy(model.logits(state, source), batch.source.y)
        features = jnp.concatenate([source, target])
        judged = mlp_apply(state.params["critic"], reverse_gradient(features, dann_ramp(context.progress, self.gamma)))[
            :, 0
        ]
        on_source, on_target = judged[: len(source)], judged[len(source) :]
        domain = domain_loss(on_source, on_target)
        metrics = {"task": task, "domain": domain, "domain_accuracy": domain_accuracy(on_source, on_target)}
        return task + self.weight * domain, state, metrics
