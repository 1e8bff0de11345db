"""Domain confusion."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import confusion_loss, domain_accuracy, domain_loss


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
    targets = ("classes", "real")

    weight: float = 0.01
    hidden: tuple[int, ...] = ()

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        return model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))

    def transfer(self, model, state, outputs, batch, context):
        features = jnp.concatenate([outputs.source, outputs.target])
        frozen = state.put_params(critic=jax.lax.stop_gradient(state.params["critic"]))
        judged, state = model.apply(state, "critic", jax.lax.stop_gradient(features))
        source, target = jnp.split(judged[:, 0], [len(outputs.source)])
        domain = domain_loss(source, target)
        confusion = confusion_loss(model.apply(frozen, "critic", features)[0][:, 0])
        metrics = {"domain": domain, "confusion": confusion, "domain_accuracy": domain_accuracy(source, target)}
        return domain + self.weight * confusion, state, metrics
