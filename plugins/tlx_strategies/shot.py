"""Source hypothesis transfer."""

import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.ops import centroid_labels, cross_entropy, entropies, marginal_entropy
from tlx_strategies.supervised import supervised


@strategy
class SHOT(Strategy):
    """Source-free: keeps the source classifier and moves the features until the target fits it.

    Phase 1: cross-entropy(source) with label smoothing. Phase 2, target only, head frozen:
    loss = mean H(p_i) - diversity * H(mean p) + pseudo * cross-entropy(p, labels)
    with labels by class centroids, recomputed over the whole target train set before every round. The classifier has
    weight normalisation, as the paper's, with backbones `shot_lenet` and `shot_dtn`.

    Settings: `pretrain`, the share of phase 1; `smoothing` 0.1; `diversity` 1; `pseudo` 0.1 (digits; 0.3 elsewhere).

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020.
    """

    setting = "source-free"
    paper = "Liang et al. 2020"

    pretrain: float = 0.5
    smoothing: float = 0.1
    diversity: float = 1.0
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
            certain, diverse = jnp.mean(entropies(logits)), marginal_entropy(logits)
            pseudo = cross_entropy(logits, state.extra["labels"][batch.target.index])
            total = certain - self.diversity * diverse + self.pseudo * pseudo
            return total, state, {"entropy": certain, "diversity": diverse, "pseudo": pseudo}

        adapt = Phase(
            (Objective(loss, ("features",)),),
            name="adapt",
            share=1 - self.pretrain,
            sees=frozenset({"target"}),
            begin=begin,
            refresh=refresh,
        )
        return supervised(model, name="source", share=self.pretrain, smoothing=self.smoothing), adapt
