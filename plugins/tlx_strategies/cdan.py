"""Conditional adversarial domain adaptation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.layers import MLP
from tlx.ops import (
    dann_ramp,
    domain_accuracy,
    domain_loss,
    entropies,
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
    entropy's gradient is reversed too. TLLib gives the entropy no gradient, and normalises over both domains together.
    The authors do not decay the discriminator's learning rate; a recipe may say so.

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
        model_key, critic_key, map_key = jax.random.split(key, 3)
        sizes = (self.random or model.width * model.outputs, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))
        return state.put(maps=random_maps(map_key, model.width, model.outputs, self.random)) if self.random else state

    def transfer(self, model, state, outputs, batch, context):
        split, flow = [len(outputs.source)], dann_ramp(context.progress, self.gamma)
        f = jnp.concatenate([outputs.source, outputs.target])
        logits = jnp.concatenate([outputs.source_logits, outputs.target_logits])
        g = jax.lax.stop_gradient(jax.nn.softmax(logits))
        joint = random_multilinear_map(f, g, *state.extra["maps"]) if self.random else multilinear_map(f, g)
        judged, state = model.apply(state, "critic", reverse_gradient(joint, flow))
        weights = 1 + jnp.exp(-reverse_gradient(entropies(logits), flow)) if self.entropy else jnp.ones(len(logits))
        source, target = jnp.split(judged[:, 0], split)
        domain = domain_loss(source, target, *jnp.split(weights, split))
        return self.weight * domain, state, {"domain": domain, "domain_accuracy": domain_accuracy(source, target)}
