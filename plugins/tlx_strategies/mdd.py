"""Margin disparity discrepancy."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import dann_ramp, margin_disparity, mlp_apply, mlp_init, reverse_gradient


@strategy
class MDD(Additive):
    """An adversarial classifier that agrees on the source and differs on the target; features leave it no room to.

    loss = cross-entropy(source) + weight * (-margin mean log p'_y(R(f(s))) - mean log(1 - p'_y(R(f(t))))),
    p' the adversary's probabilities, y the classifier's label, R the identity with gradient -eta lambda(p),
    lambda(p) = 2 / (1 + exp(-gamma p)) - 1

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
        state = model.init(key)
        adversary = mlp_init(jax.random.fold_in(key, 1), (model.width, *self.hidden, model.classes))
        return state._replace(params={**state.params, "adversary": adversary})

    def transfer(self, model, state, outputs, batch, context):
        n = len(outputs.source)
        features = jnp.concatenate([outputs.source, outputs.target])
        reversed_ = reverse_gradient(features, self.eta * dann_ramp(context.progress, self.gamma))
        judged = mlp_apply(state.params["adversary"], reversed_)
        term = margin_disparity(outputs.source_logits, judged[:n], outputs.target_logits, judged[n:], self.margin)
        return self.weight * term, state, {"disparity": term}
