"""Domain-adversarial training of the source rows that the target may contain."""

import jax.numpy as jnp

from tlx import strategy
from tlx.ops import dann_ramp, domain_accuracy, domain_loss, lowest_share, reverse_gradient
from tlx_strategies.dann import DANN


@strategy
class SDANN(DANN):
    """As `dann`, over the source rows that look most like the target: its classes may be 1 + beta times as frequent.

    loss = cross-entropy(source) + weight * domain_loss(D(R(f(x)))), of a batch's n source rows the n / (1 + beta) of
    least D alone; D is high on the source

    Where features are aligned whole, the classes' shares among them are aligned too, and where these differ between the
    domains some rows must be wrong. Here the target's share of a class may be up to 1 + beta times the source's, and a
    class of the source may be absent from the target. As the choice is a batch's, beta should leave some rows of it.

    Settings: those of `dann`; `beta` 4, as in the tables of Tong et al. (2022); with 0 it is `dann`.

    Reference: Wu, Winston, Kaushik, Lipton, "Domain Adaptation with Asymmetrically-Relaxed Distribution Alignment",
    ICML 2019 (sDANN-beta).
    """

    paper = "Wu et al. 2019"
    targets = ("classes",)
    spaces = ("closed", "partial")

    beta: float = 4.0

    def transfer(self, model, state, outputs, batch, context):
        features = jnp.concatenate([outputs.source, outputs.target])
        flow = dann_ramp(context.progress, self.gamma)
        judged, state = model.apply(state, "critic", reverse_gradient(features, flow))
        source, target = jnp.split(judged[:, 0], [len(outputs.source)])
        domain = domain_loss(source, target, lowest_share(source, self.beta), jnp.ones(len(target)))
        return self.weight * domain, state, {"domain": domain, "domain_accuracy": domain_accuracy(source, target)}
