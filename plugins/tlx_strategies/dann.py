"""Domain-adversarial training."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import dann_ramp, domain_accuracy, domain_loss, reverse_gradient


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
    targets = ("classes", "real")

    weight: float = 1.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        return model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))

    def transfer(self, model, state, outputs, batch, context):
        features = jnp.concatenate([outputs.source, outputs.target])
        flow = dann_ramp(context.progress, self.gamma)
        judged, state = model.apply(state, "critic", reverse_gradient(features, flow))
        source, target = jnp.split(judged[:, 0], [len(outputs.source)])
        domain = domain_loss(source, target)
        return self.weight * domain, state, {"domain": domain, "domain_accuracy": domain_accuracy(source, target)}
