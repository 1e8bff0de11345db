"""Source hypothesis transfer."""

import jax.numpy as jnp

from tlx import Objective, strategy
from tlx.ops import centroid_labels, cross_entropy
from tlx_strategies.shot_im import SHOTIM


@strategy
class SHOT(SHOTIM):
    """Source-free: keeps the source classifier and moves the features until the target fits it.

    `shot_im`, and in phase 2 pseudo-labels by class centroids, recomputed over the whole target train set before every
    round: loss = mean H(p_i) - diversity * H(mean p) + pseudo * cross-entropy(p, labels)

    Settings: those of `shot_im`; `pseudo` 0.1 (digits; 0.3 elsewhere).

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020.
    """

    setting = "source-free"
    paper = "Liang et al. 2020"

    pseudo: float = 0.1

    def phases(self, model):
        def begin(state, context):
            return state._replace(extra={**state.extra, "labels": jnp.zeros(model.rows, jnp.int32)})

        def refresh(state, sweep, context):
            def forward(x):
                features, _ = model.features(state, x, train=False)
                return features, model.logits(state, features)

            return state._replace(extra={**state.extra, "labels": centroid_labels(*sweep(forward))})

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits = model.logits(state, features)
            information, metrics = self.information(logits)
            pseudo = cross_entropy(logits, state.extra["labels"][batch.target.index])
            return information + self.pseudo * pseudo, state, {**metrics, "pseudo": pseudo}

        source, adapt = super().phases(model)
        return source, adapt._replace(objectives=(Objective(loss, ("features",)),), begin=begin, refresh=refresh)
