"""Conditional adversarial domain adaptation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import (
    dann_ramp,
    domain_accuracy,
    domain_loss,
    entropies,
    mlp_apply,
    mlp_init,
    multilinear_map,
    random_maps,
    random_multilinear_map,
    reverse_gradient,
)


@strategy
class CDAN(Additive):
    """A domain discriminator on features and predictions together, with its gradient reversed.

    loss = cross-entropy(source) + weight * domain_loss(D(R(f (x) g))), g = softmax(logits) without a gradient, R the
    identity with gradient -lambda(p), lambda(p) = 2 / (1 + exp(-gamma p)) - 1

    With `entropy` (CDAN+E) row i counts 1 + exp(-H(g_i)), normalised in each domain; as in the authors' code the
    entropy's gradient is reversed too. The authors do not decay the discriminator's learning rate; a recipe may say so.

    Settings: `weight`; `gamma`, how fast lambda grows; `hidden` layers of D (batch norm and ReLU, as in TLLib);
    `entropy`; `random`, the width of the randomised map (1024 in the paper, where f (x) g is wider than 4096); 0
    is f (x) g itself.

    Reference: Long et al., "Conditional Adversarial Domain Adaptation", NeurIPS 2018.
    """

    paper = "Long et al. 2018"

    weight: float = 1.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)
    entropy: bool = False
    random: int = 0

    def init(self, model, key):
        state = model.init(key)
        critic_key, map_key = jax.random.split(jax.random.fold_in(key, 1))
        width = self.random or model.width * model.classes
        critic = mlp_init(critic_key, (width, *self.hidden, 1), normalised=True)
        maps = {"maps": random_maps(map_key, model.width, model.classes, self.random)} if self.random else {}
        return state._replace(params={**state.params, "critic": critic}, extra={**state.extra, **maps})

    def transfer(self, model, state, outputs, batch, context):
        n, flow = len(outputs.source), dann_ramp(context.progress, self.gamma)
        features = jnp.concatenate([outputs.source, outputs.target])
        logits = jnp.concatenate([outputs.source_logits, outputs.target_logits])
        g = jax.lax.stop_gradient(jax.nn.softmax(logits))
        joint = (
            random_multilinear_map(features, g, *state.extra["maps"]) if self.random else multilinear_map(features, g)
        )
        judged = mlp_apply(state.params["critic"], reverse_gradient(joint, flow))[:, 0]
        weights = 1 + jnp.exp(-reverse_gradient(entropies(logits), flow)) if self.entropy else jnp.ones(len(logits))
        domain = domain_loss(judged[:n], judged[n:], weights[:n], weights[n:])
        return (
            self.weight * domain,
            state,
            {"domain": domain, "domain_accuracy": domain_accuracy(judged[:n], judged[n:])},
        )
