"""Source hypothesis transfer by information maximisation."""

import jax.numpy as jnp

from tlx import Logits, Metrics, Objective, Phase, Scalar, Strategy, strategy
from tlx.blocks import supervised
from tlx.ops import entropies, marginal_entropy


@strategy
class SHOTIM(Strategy):
    """Source-free: keeps the source classifier and moves the features until its predictions are certain and diverse.

    Phase 1: cross-entropy(source) with label smoothing. Phase 2, target only, head frozen:
    loss = mean H(p_i) - diversity * H(mean p)
    The classifier has weight normalisation, as the paper's, with backbones `shot_lenet` and `shot_dtn`.

    Settings: `pretrain`, the share of phase 1; `smoothing` 0.1; `diversity` 1; `augment`, whether phase 1 augments the
    source by the recipe's weak policy, as the authors do from USPS to MNIST.

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020, table 1 (SHOT-IM).
    """

    setting = "source-free"
    paper = "Liang et al. 2020"

    pretrain: float = 0.5
    smoothing: float = 0.1
    diversity: float = 1.0
    augment: bool = False

    def information(self, logits: Logits) -> tuple[Scalar, Metrics]:
        """mean H(p_i) - diversity * H(mean p), and its parts."""
        certain, diverse = jnp.mean(entropies(logits)), marginal_entropy(logits)
        return certain - self.diversity * diverse, {"entropy": certain, "diversity": diverse}

    def phases(self, model):
        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features)
            value, metrics = self.information(logits)
            return value, state, metrics

        how = {"smoothing": self.smoothing, "augment": self.augment}
        source = supervised(model, name="source", share=self.pretrain, **how)
        objectives = (Objective(loss, ("features",)),)
        return source, Phase(objectives, name="adapt", share=1 - self.pretrain, sees=frozenset({"target"}))
