"""Multisource domain adversarial networks."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import both_domains
from tlx.layers import MLP
from tlx.ops import domain_loss, reverse_gradient


@strategy
class MDAN(Strategy):
    """A discriminator for each source against the target; the soft maximum of the sources' bounds is trained down.

    loss = 1 / gamma log mean_d exp(gamma (cross-entropy(source_d) + weight * domain_loss_d)), the gradient of
    domain_loss_d = domain_loss(D_d(f(source_d)), D_d(f(target))) reversed for the features

    A step takes equal blocks of every source domain. The authors' code has the sum in place of the mean, which has the
    same gradient. "joint" batch norm, as `tlx.blocks.both_domains`.

    Settings: `weight` (0.01, the authors' mu for digits); `gamma` 10; `hidden`, the discriminators' layers.

    Reference: Zhao et al., "Adversarial Multiple Source Domain Adaptation", NeurIPS 2018, equation 5.
    """

    paper = "Zhao et al. 2018"

    weight: float = 0.01
    gamma: float = 10.0
    hidden: tuple[int, ...] = (100,)

    def init(self, model, key):
        first, *keys = jax.random.split(key, model.domains + 1)
        state, sizes = model.init(first), (model.width, *self.hidden, 1)
        for d, own in enumerate(keys):
            state = model.add(state, own, f"critic{d}", lambda rngs: MLP(sizes, False, rngs=rngs))
        return state

    def phases(self, model):
        def loss(state, batch, context):
            source, target, state = both_domains(model, state, batch)
            logits, state = model.classify(state, source)
            rows = batch.source._replace(x=(logits, source)).by_domain(model.domains)
            bounds, reversed_target = [], reverse_gradient(target, 1.0)
            for d in range(model.domains):
                judged, state = model.apply(state, f"critic{d}", reverse_gradient(rows.x[1][d], 1.0))
                of_target, state = model.apply(state, f"critic{d}", reversed_target)
                domain = domain_loss(judged[:, 0], of_target[:, 0])
                bounds.append(model.task_loss(rows.x[0][d], rows.y[d]) + self.weight * domain)
            soft = jax.nn.logsumexp(self.gamma * jnp.stack(bounds)) - jnp.log(jnp.float32(model.domains))
            return soft / self.gamma, state, {"worst": jnp.stack(bounds).max()}

        return (Phase((Objective(loss),), draw={"source": "domain"}),)
