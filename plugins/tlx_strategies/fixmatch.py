"""Pseudo-labels from weak views for strong views."""

from typing import Literal

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import as_teacher, follow, with_teacher
from tlx.ops import cross_entropies, cross_entropy


@strategy
class FixMatch(Strategy):
    """Learns strong views of target images by the confident predictions on their weak views.

    loss = cross-entropy(weak views of labelled rows) + weight * mean_i m_i cross-entropy(strong view of x_i, y_i)
    y_i = argmax p(weak view of x_i), m_i = 1 where its probability is at least `threshold`

    All views go through the net together, as in the authors' code. The moving average of the parameters predicts.

    Settings: `labels`, whose labels are learnt: "source" (adaptation), "target" (the paper's semi-supervised learning)
    or "both"; `weight` 1; `threshold` 0.95; `decay` 0.999. The paper has 7 unlabelled rows to a labelled one, here 1.

    Reference: Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence", NeurIPS
    2020.
    """

    paper = "Sohn et al. 2020"

    labels: Literal["source", "target", "both"] = "source"
    weight: float = 1.0
    threshold: float = 0.95
    decay: float = 0.999

    def init(self, model, key):
        return with_teacher(model.init(key), debias=True)

    def phases(self, model):
        fields = {"source": ("source",), "target": ("labelled",), "both": ("source", "labelled")}[self.labels]

        def loss(state, batch, context):
            keys = jax.random.split(context.key, 3)
            known = [getattr(batch, field) for field in fields]
            x, y = (jnp.concatenate(parts) for parts in ([rows.x for rows in known], [rows.y for rows in known]))
            weak, strong = (model.augment(keys[i], batch.target.x, how) for i, how in ((1, "weak"), (2, "strong")))
            features, state = model.features(state, jnp.concatenate([model.augment(keys[0], x, "weak"), weak, strong]))
            logits, state = model.classify(state, features)
            n, m = len(x), len(weak)
            task = cross_entropy(logits[:n], y)
            p = jax.lax.stop_gradient(jax.nn.softmax(logits[n : n + m]))
            sure = jnp.max(p, 1) >= self.threshold
            gap = jnp.mean(sure * cross_entropies(logits[n + m :], jnp.argmax(p, 1)))
            metrics = {"task": task, "consistency": gap, "confident": jnp.mean(sure)}
            return task + self.weight * gap, state, metrics

        def after(state, batch, context):
            return follow(state, self.decay, statistics=True)

        return (Phase((Objective(loss),), sees=frozenset({"target", *fields}), after=after),)

    def predict(self, model, state, x):
        return super().predict(model, as_teacher(state), x)
