"""Pseudo-labels from weak views for strong views."""

from typing import Literal

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import concatenate, count, follow, teacher_logits, with_teacher
from tlx.ops import cross_entropies, cross_entropy


@strategy
class FixMatch(Strategy):
    """Learns strong views of target images by the confident predictions on their weak views.

    loss = cross-entropy(weak views of labelled rows) + weight * mean_i m_i cross-entropy(strong view of x_i, y_i)
    y_i = argmax p(weak view of x_i), m_i = 1 where its probability is at least `threshold`

    Strong views are the recipe's; `randaugment` says how it differs from FixMatch-pytorch's.

    All views go through the net together, as in the authors' code. The moving average of the parameters predicts.

    Settings: `labels`, whose labels are learnt: "source" (adaptation), "target" (the paper's semi-supervised learning)
    or "both"; `weight` 1; `threshold` 0.95; `decay` 0.999; `ratio`, the unlabelled rows to a labelled one, 7.

    Reference: Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence", NeurIPS
    2020.
    """

    paper = "Sohn et al. 2020"
    inputs = ("image",)

    labels: Literal["source", "target", "both"] = "source"
    weight: float = 1.0
    threshold: float = 0.95
    decay: float = 0.999
    ratio: int = 7

    def init(self, model, key):
        return with_teacher(model, model.init(key), debias=True)

    def phases(self, model):
        fields = {"source": ("source",), "target": ("labelled",), "both": ("source", "labelled")}[self.labels]

        def loss(state, batch, context):
            keys = jax.random.split(context.key, 3)
            labelled = [getattr(batch, field) for field in fields]
            x, y = concatenate(*[rows.x for rows in labelled]), concatenate(*[rows.y for rows in labelled])
            rows = (x, "weak"), (batch.target.x, "weak"), (batch.target.x, "strong")
            views = [model.augment(key, x, view) for key, (x, view) in zip(keys, rows, strict=True)]
            features, state = model.features(state, concatenate(*views))
            logits, state = model.classify(state, features)
            n, m = len(y), count(batch.target.x)
            task = cross_entropy(logits[:n], y)
            p = jax.lax.stop_gradient(jax.nn.softmax(logits[n : n + m]))
            sure = jnp.float32(jnp.max(p, 1) >= self.threshold)
            gap = jnp.mean(sure * cross_entropies(logits[n + m :], jnp.argmax(p, 1)))
            metrics = {"task": task, "consistency": gap, "confident": jnp.mean(sure)}
            return task + self.weight * gap, state, metrics

        def after(state, batch, context):
            return follow(model, state, self.decay, statistics=True)

        sees = frozenset({"target", *fields})
        return (Phase((Objective(loss),), sees=sees, batch={"target": self.ratio}, after=after),)

    def predict(self, model, state, x):
        return teacher_logits(model, state, x)[0]
