"""ADDA with one encoder for both domains, as TLLib has it."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import dann_ramp, domain_accuracy, domain_loss


@strategy
class ADDAJoint(Additive):
    """Features that a discriminator takes for the other domain's, by inverted labels, learned with the classifier.

    loss = cross-entropy(source) + weight lambda(p) * domain_loss(-D*(f)) + domain_loss(D(f*)), * without a gradient,
    lambda(p) = 2 / (1 + exp(-gamma p)) - 1

    This is what TLLib's digits table calls ADDA: the paper's inverted labels, but for both domains, through one encoder
    that goes on learning the source (`adda` is the paper's, with an encoder each). D and the features descend in one
    step; TLLib takes them in turn on the same features, which is the same. As there, D learns by the batch's statistics
    and judges the features that are to deceive it, D*, by its running ones.

    Settings: `weight` 0.1; `gamma`, how fast lambda grows; `hidden` layers of D (batch norm and ReLU).

    Reference: Tzeng et al., "Adversarial Discriminative Domain Adaptation", CVPR 2017, in the form of Jiang et al.,
    "Transferability in Deep Learning: A Survey", 2022 (TLLib).
    """

    paper = "Tzeng et al. 2017"
    targets = ("classes", "real")

    weight: float = 0.1
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        return model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))

    def transfer(self, model, state, outputs, batch, context):
        features, split = jnp.concatenate([outputs.source, outputs.target]), [len(outputs.source)]
        frozen = state.put_params(critic=jax.lax.stop_gradient(state.params["critic"]))
        confused, _ = model.apply(frozen, "critic", features, train=False)
        judged, state = model.apply(state, "critic", jax.lax.stop_gradient(features))
        source, target = jnp.split(judged[:, 0], split)
        domain, inverted = domain_loss(source, target), domain_loss(*jnp.split(-confused[:, 0], split))
        flow = dann_ramp(context.progress, self.gamma)
        metrics = {"domain": domain, "inverted": inverted, "domain_accuracy": domain_accuracy(source, target)}
        return domain + self.weight * flow * inverted, state, metrics
