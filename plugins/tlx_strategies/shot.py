"""Source hypothesis transfer."""

import jax.numpy as jnp

from tlx import Objective, Sweep, strategy
from tlx.ops import centroid_labels, cross_entropy
from tlx_strategies.shot_im import SHOTIM


@strategy
class SHOT(SHOTIM):
    """Source-free: keeps the source classifier and moves the features until the target fits it.

    `shot_im`, and in phase 2 pseudo-labels by class centroids, recomputed over the whole target train set before every
    round: loss = mean H(p_i) - diversity * H(mean p) + pseudo * cross-entropy(p, labels)

    A class without rows after the first round of labels is left out; in the authors' code its distance is NaN, and
    every row gets that class.

    Settings: those of `shot_im`; `pseudo` 0.1 (digits; 0.3 elsewhere).

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020.
    """

    setting = "source-free"
    paper = "Liang et al. 2020"

    pseudo: float = 0.1

    def phases(self, model):
        def begin(state, context):
            return state.put(labels=jnp.zeros(model.rows["target"], jnp.int32))

        def forward(state, rows):
            features, _ = model.features(state, rows.x, train=False)
            return features, model.classify(state, features, train=False)[0]

        def refresh(state, swept, context):
            return state.put(labels=centroid_labels(*swept["forward"]))

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features)
            information, metrics = self.information(logits)
            pseudo = cross_entropy(logits, state.extra["labels"][batch.target.index])
            return information + self.pseudo * pseudo, state, {**metrics, "pseudo": pseudo}

        source, adapt = super().phases(model)
        objectives, sweeps = (Objective(loss, ("features",)),), {"forward": Sweep("target", forward)}
        return source, adapt._replace(objectives=objectives, sweeps=sweeps, begin=begin, refresh=refresh)
