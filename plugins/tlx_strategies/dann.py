"""Domain-adversarial training."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import dann_ramp, domain_accuracy, domain_loss, mlp_apply, mlp_init, reverse_gradient


@strategy
class DANN(Additive):
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

    def transfer(self, model, state, outputs, batch, context):
        features = jnp.concatenate([outputs.source, outputs.target])
        reversed_ = reverse_gradient(features, dann_ramp(context.progress, self.gamma))
        judged = mlp_apply(state.params["critic"], reversed_)[:, 0]
        source, target = judged[: len(outputs.source)], judged[len(outputs.source) :]
        domain = domain_loss(source, target)
        return self.weight * domain, state, {"domain": domain, "domain_accuracy": domain_accuracy(source, target)}
