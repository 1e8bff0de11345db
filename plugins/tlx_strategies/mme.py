"""Minimax entropy."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import concatenate
from tlx.ops import cosine_logits, cross_entropy, entropies, reverse_gradient


@strategy
class MME(Strategy):
    """Semi-supervised: class prototypes move towards the unlabelled target, and features cluster around them.

    loss = cross-entropy(source and labelled target) - weight * mean H(p(R(f(x)))) over the unlabelled target, R the
    gradient reversed; p = softmax(W^T f / |f| / T): the classifier goes up the entropy, the features down it

    One step on the sum; the authors take one step on each term. The labelled rows of both domains go through the net
    together, the unlabelled ones by themselves, as theirs.

    Settings: `weight` 0.1; `temperature` T 0.05.

    Reference: Saito et al., "Semi-supervised Domain Adaptation via Minimax Entropy", ICCV 2019.
    """

    setting = "semi-supervised"
    paper = "Saito et al. 2019"

    weight: float = 0.1
    temperature: float = 0.05

    def init(self, model, key):
        key, own = jax.random.split(key)
        prototypes = jax.nn.initializers.lecun_normal()(own, (model.width, model.outputs))
        return model.init(key).put_params(prototypes=prototypes)

    def logits(self, state, features):
        """The scaled cosines of features and prototypes."""
        return cosine_logits(features, state.params["prototypes"], self.temperature)

    def phases(self, model):
        def loss(state, batch, context):
            rows = [batch.source, batch.labelled]
            known, state = model.features(state, concatenate(*[row.x for row in rows]))
            task = cross_entropy(self.logits(state, known), concatenate(*[row.y for row in rows]))
            target, state = model.features(state, batch.target.x)
            entropy = jnp.mean(entropies(self.logits(state, reverse_gradient(target, 1.0))))
            return task - self.weight * entropy, state, {"task": task, "entropy": entropy}

        objective = Objective(loss, ("features", "prototypes"))
        return (Phase((objective,), sees=frozenset({"source", "target", "labelled"})),)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        return self.logits(state, features)
