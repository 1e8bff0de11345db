"""Minimax entropy."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
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
    needs = "source, target, labelled"
    paper = "Saito et al. 2019"

    weight: float = 0.1
    temperature: float = 0.05

    def init(self, model, key):
        state = model.init(key)
        kernel = jax.nn.initializers.lecun_normal()(jax.random.fold_in(key, 1), (model.width, model.classes))
        return state._replace(params={**state.params, "head": {"kernel": kernel}})

    def logits(self, state, features):
        return cosine_logits(features, state.params["head"]["kernel"], self.temperature)

    def phases(self, model):
        def loss(state, batch, context):
            rows = [batch.source, batch.labelled]
            known, state = model.features(state, jnp.concatenate([row.x for row in rows]))
            task = cross_entropy(self.logits(state, known), jnp.concatenate([row.y for row in rows]))
            target, state = model.features(state, batch.target.x)
            entropy = jnp.mean(entropies(self.logits(state, reverse_gradient(target, 1.0))))
            return task - self.weight * entropy, state, {"task": task, "entropy": entropy}

        return (Phase((Objective(loss),), sees=frozenset({"source", "target", "labelled"})),)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        return self.logits(state, features)
