"""Margin disparity discrepancy."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import dann_ramp, margin_disparity, reverse_gradient


@strategy
class MDD(Additive):
    """An adversarial classifier that agrees on the source and differs on the target; features leave it no room to.

    loss = cross-entropy(source) + weight * (-margin mean log p'_y(R(f(s))) - mean log(1 - p'_y(R(f(t))))),
    p' the adversary's probabilities, y the classifier's label, R the identity with gradient -eta lambda(p),
    lambda(p) = 2 / (1 + exp(-gamma p)) - 1

    Where p'_y is 1 within 1e-6 TLLib's target term has no gradient, as it adds 1e-6 in the logarithm; here it has the
    whole one.

    Settings: `weight` 1; `margin` 4; `eta` 0.1; `gamma`, how fast eta grows to its value; `hidden` layers of the
    adversary (1024, as in the paper; the classifier is the backbone's linear one).

    Reference: Zhang et al., "Bridging Theory and Algorithm for Domain Adaptation", ICML 2019.
    """

    paper = "Zhang et al. 2019"

    weight: float = 1.0
    margin: float = 4.0
    eta: float = 0.1
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024,)

    def init(self, model, key):
        model_key, own_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, model.outputs)
        return model.add(model.init(model_key), own_key, "adversary", lambda rngs: MLP(sizes, rngs=rngs))

    def transfer(self, model, state, outputs, batch, context):
        features = jnp.concatenate([outputs.source, outputs.target])
        flow = self.eta * dann_ramp(context.progress, self.gamma)
        judged, state = model.apply(state, "adversary", reverse_gradient(features, flow))
        source, target = jnp.split(judged, [len(outputs.source)])
        term = margin_disparity(outputs.source_logits, source, outputs.target_logits, target, self.margin)
        return self.weight * term, state, {"disparity": term}
