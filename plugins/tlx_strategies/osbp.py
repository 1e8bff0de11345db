"""Open set domain adaptation by backpropagation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import dann_ramp, reverse_gradient


@strategy
class OSBP(Additive):
    """The classifier puts target rows at p(unknown) = 1/2; the features, by a reversed gradient, move them off it.

    loss = cross-entropy(source) - weight * mean [t log p + (1 - t) log (1 - p)], p = p(unknown | R f(target)), R the
    identity with gradient -lambda(q), lambda(q) = 2 / (1 + exp(-gamma q)) - 1 at progress q

    The classifier has K + 1 outputs, the last for the unknown, which no source row is labelled with. The paper has
    lambda 1 throughout; a `gamma` of some 1000 is that.

    Settings: `weight`; `boundary`, t; `gamma`, how fast lambda grows.

    Reference: Saito et al., "Open Set Domain Adaptation by Backpropagation", ECCV 2018.
    """

    paper = "Saito et al. 2018"
    spaces = ("open", "universal")

    weight: float = 1.0
    boundary: float = 0.5
    gamma: float = 10.0

    def transfer(self, model, state, outputs, batch, context):
        flow = dann_ramp(context.progress, self.gamma)
        logits, state = model.classify(state, reverse_gradient(outputs.target, flow))
        log_p = jax.nn.log_softmax(logits)
        unknown, known = log_p[:, -1], jax.nn.logsumexp(log_p[:, :-1], axis=1)
        loss = -jnp.mean(self.boundary * unknown + (1 - self.boundary) * known)
        return self.weight * loss, state, {"boundary": loss, "unknown": jnp.mean(jnp.exp(unknown))}
