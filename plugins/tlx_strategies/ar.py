"""Adversarial reweighting."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, Sweep, strategy
from tlx.blocks import both_domains
from tlx.layers import MLP
from tlx.ops import cross_entropies, entropies, gradient_penalty, reweighted_rows, row_norms


@strategy
class AR(Strategy):
    """Weighs source rows so that their features are near the target's, and learns from them; features are not aligned.

    loss = sum_i w_i cross-entropy_i(source) / sum_i w_i + entropy * mean H(p(target)), the entropy's gradient for the
    features alone; w minimises sum_i w_i D(f_i) over all source rows, with w_i >= 0, sum w = n, sum (w_i - 1)^2 <=
    radius n, anew in every round (1 in the first); the critic D goes up [mean D(f(source)) - mean D(f(target))] /
    penalty - mean (|grad D| - 1)^2, `critic_steps` times a step, as in `wdgrl`, and moves no feature

    Features have the length `length`. The authors train a critic from the start for each renewal, in thousands of steps
    and with a penalty that grows to 100; here one critic goes along. They widen or narrow `radius` until the distance
    is small, and make the classifier's rows unit vectors.

    Settings: `entropy`; `radius`, rho of the paper; `length` 10 (8.5 to 20 there); `penalty`; `critic_steps`; `hidden`,
    D's layers.

    Reference: Gu et al., "Adversarial Reweighting for Partial Domain Adaptation", NeurIPS 2021.
    """

    paper = "Gu et al. 2021"
    spaces = ("closed", "partial")

    entropy: float = 0.1
    radius: float = 5.0
    length: float = 10.0
    penalty: float = 10.0
    critic_steps: int = 5
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))
        return state.put(weights=jnp.ones(model.rows["source"]))

    def sphere(self, features):
        """The features at the length that all have."""
        return self.length * features / jnp.maximum(row_norms(features), 1e-8)[:, None]

    def phases(self, model):
        def critic_of(state):
            return lambda features: model.apply(state, "critic", features)[0][:, 0]

        def each(state, rows):
            features, _ = model.features(state, rows.x, train=False)
            return critic_of(state)(self.sphere(features))

        def refresh(state, swept, context):
            w = reweighted_rows(swept["source"], self.radius)
            return state.put(weights=jnp.where(context.progress > 0, w, 1.0))

        def criticise(state, batch, context):
            source, target, _ = both_domains(model, state, batch, "separate")
            source, target, critic = self.sphere(source), self.sphere(target), critic_of(state)
            n = min(len(source), len(target))
            between = jax.random.uniform(context.key, (n, 1))
            points = jnp.concatenate([between * source[:n] + (1 - between) * target[:n], source, target])
            distance, slope = critic(source).mean() - critic(target).mean(), gradient_penalty(critic, points)
            return slope - distance / self.penalty, state, {"distance": distance, "penalty": slope}

        def learn(state, batch, context):
            source, target, state = both_domains(model, state, batch, "separate")
            logits, state = model.classify(state, self.sphere(source))
            w = state.extra["weights"][batch.source.index]
            task = jnp.sum(w * cross_entropies(logits, batch.source.y)) / jnp.maximum(w.sum(), 1e-8)
            fixed = state.put_params(head=jax.lax.stop_gradient(state.params["head"]))
            unsure = jnp.mean(entropies(model.classify(fixed, self.sphere(target))[0]))
            return task + self.entropy * unsure, state, {"task": task, "entropy": unsure}

        objectives = Objective(criticise, ("critic",), self.critic_steps), Objective(learn, ("features", "head"))
        return (Phase(objectives, sweeps={"source": Sweep("source", each)}, refresh=refresh),)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        return model.classify(state, self.sphere(features), train=False)[0]
