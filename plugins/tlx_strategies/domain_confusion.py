"""Domain confusion."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import confusion_loss, domain_accuracy, domain_loss, mlp_apply, mlp_init


@strategy
class DomainConfusion(Additive):
    """Features on which a domain discriminator gives one half: their loss is the cross-entropy to a uniform domain.

    loss = cross-entropy(source) + domain_loss(D(f*)) + weight * confusion_loss(D*(f)), * without a gradient

    D descends its own loss and the features theirs, in one step; the paper takes the two in turn. Its other half, soft
    labels, needs labels of the target.

    Settings: `weight` 0.01; `hidden` layers of D (none in the paper).

    Reference: Tzeng et al., "Simultaneous Deep Transfer Across Domains and Tasks", ICCV 2015.
    """

    paper = "Tzeng et al. 2015"

    weight: float = 0.01
    hidden: tuple[int, ...] = ()

    def init(self, model, key):
        state = model.init(key)
        critic = mlp_init(jax.random.fold_in(key, 1), (model.width, *self.hidden, 1))
        return state._replace(params={**state.params, "critic": critic})

    def transfer(self, model, state, outputs, batch, context):
        features, critic = jnp.concatenate([outputs.source, outputs.target]), state.params["critic"]
        judged = mlp_apply(critic, jax.lax.stop_gradient(features))[:, 0]
        source, target = judged[: len(outputs.source)], judged[len(outputs.source) :]
        domain = domain_loss(source, target)
        confusion = confusion_loss(mlp_apply(jax.lax.stop_gradient(critic), features)[:, 0])
        metrics = {"domain": domain, "confusion": confusion, "domain_accuracy": domain_accuracy(source, target)}
        return domain + self.weight * confusion, state, metrics
