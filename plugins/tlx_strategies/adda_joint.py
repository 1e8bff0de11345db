"""ADDA with one encoder for both domains, as TLLib has it."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import dann_ramp, domain_accuracy, domain_loss, mlp_apply, mlp_init


@strategy
class ADDAJoint(Additive):
    """Features that a discriminator takes for the other domain's, by inverted labels, learned with the classifier.

    loss = cross-entropy(source) + weight lambda(p) * domain_loss(-D*(f)) + domain_loss(D(f*)), * without a gradient,
    lambda(p) = 2 / (1 + exp(-gamma p)) - 1

    This is what TLLib's digits table calls ADDA: the paper's inverted labels, but for both domains, through one encoder
    that goes on learning the source (`adda` is the paper's, with an encoder each). D and the features descend in one
    step; TLLib takes them in turn on the same features, which is the same, and shows D's running batch statistics to
    the features, where these are the batch's.

    Settings: `weight` 0.1; `gamma`, how fast lambda grows; `hidden` layers of D (batch norm and ReLU).

    Reference: Tzeng et al., "Adversarial Discriminative Domain Adaptation", CVPR 2017, in the form of Jiang et al.,
    "Transferability in Deep Learning: A Survey", 2022 (TLLib).
    """

    paper = "Tzeng et al. 2017"

    weight: float = 0.1
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        state = model.init(key)
        critic = mlp_init(jax.random.fold_in(key, 1), (model.width, *self.hidden, 1), normalised=True)
        return state._replace(params={**state.params, "critic": critic})

    def transfer(self, model, state, outputs, batch, context):
        features, critic = jnp.concatenate([outputs.source, outputs.target]), state.params["critic"]

        def judged(critic, features):
            return jnp.split(mlp_apply(critic, features)[:, 0], [len(outputs.source)])

        source, target = judged(critic, jax.lax.stop_gradient(features))
        domain = domain_loss(source, target)
        inverted = domain_loss(*(-logits for logits in judged(jax.lax.stop_gradient(critic), features)))
        flow = dann_ramp(context.progress, self.gamma)
        metrics = {"domain": domain, "inverted": inverted, "domain_accuracy": domain_accuracy(source, target)}
        return domain + self.weight * flow * inverted, state, metrics
