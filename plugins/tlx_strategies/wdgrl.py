"""Wasserstein distance guided representation learning."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import both_domains
from tlx.layers import MLP
from tlx.ops import gradient_penalty


@strategy
class WDGRL(Strategy):
    """Shortens the Wasserstein distance of the domains' features, as a critic with a gradient penalty estimates it.

    W = mean D(f(source)) - mean D(f(target)). Every step: the critic D, `critic_steps` times, down
    -W / penalty + mean (|grad D| - 1)^2, at both domains' features and at random points between pairs of them; then
    features and head down cross-entropy(source) + weight * W. The paper has -W + penalty * mean (...)^2: the
    same but for a factor, which Adam, its optimizer, does not notice, and with which SGD may diverge.

    Settings: `weight` 1 (the paper searches it); `penalty` 10; `critic_steps` 5; `hidden` layers of D, 100 in the
    authors' code.

    Reference: Shen et al., "Wasserstein Distance Guided Representation Learning for Domain Adaptation", AAAI 2018.
    """

    paper = "Shen et al. 2018"
    targets = ("classes", "real")

    weight: float = 1.0
    penalty: float = 10.0
    critic_steps: int = 5
    hidden: tuple[int, ...] = (100,)

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        return model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))

    def phases(self, model):
        def critic_of(state):
            return lambda features: model.apply(state, "critic", features)[0][:, 0]

        def criticise(state, batch, context):
            source, target, _ = both_domains(model, state, batch)
            critic, n = critic_of(state), min(len(source), len(target))
            between = jax.random.uniform(context.key, (n, 1))
            points = jnp.concatenate([between * source[:n] + (1 - between) * target[:n], source, target])
            distance, slope = critic(source).mean() - critic(target).mean(), gradient_penalty(critic, points)
            return slope - distance / self.penalty, state, {"distance": distance, "penalty": slope}

        def align(state, batch, context):
            source, target, state = both_domains(model, state, batch)
            critic = critic_of(state)
            logits, state = model.classify(state, source)
            task = model.task_loss(logits, batch.source.y)
            distance = critic(source).mean() - critic(target).mean()
            return task + self.weight * distance, state, {"task": task}

        critic = Objective(criticise, ("critic",), self.critic_steps)
        return (Phase((critic, Objective(align, ("features", "head")))),)
