"""Label-distribution-aware margins."""

import jax
import jax.numpy as jnp

from tlx import strategy
from tlx.blocks import Imbalanced
from tlx.ops import cosine_logits, cross_entropies, effective_weights, ldam_margins


@strategy
class LDAM(Imbalanced):
    """Imbalance: margins that are larger for rarer classes, and late in training larger weights too (LDAM-DRW).

    loss = sum_i w_i l_i / sum_i w_i, l = cross-entropy(scale (cos(W_c, f) - m_c [c = y])), m_c ~ n_c^(-1/4), the
    largest `margin`; w = 1 before `defer` of the phase, then (1 - beta) / (1 - beta^n_y)

    Settings: `scale` 30; `margin` 0.5; `beta` 0.9999; `defer` 0.8 (160 of 200 epochs; 1 is LDAM without DRW).

    Reference: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019.
    """

    paper = "Cao et al. 2019"

    scale: float = 30.0
    margin: float = 0.5
    beta: float = 0.9999
    defer: float = 0.8

    def init(self, model, key):
        key, own = jax.random.split(key)
        prototypes = jax.nn.initializers.lecun_normal()(own, (model.width, model.outputs))
        return super().init(model, key).put_params(prototypes=prototypes)

    def logits(self, model, state, features, train):
        prototypes = state.params["prototypes"]
        unit = prototypes / jnp.sqrt(jnp.sum(prototypes**2, 0, keepdims=True) + 1e-12)
        return cosine_logits(features, unit, 1 / self.scale), state

    def losses(self, logits, y, counts, context):
        margins = ldam_margins(counts, self.margin)[y][:, None] * jax.nn.one_hot(y, logits.shape[1])
        late = effective_weights(counts, self.beta)[y]
        weights = jnp.where(context.progress >= self.defer, late, 1.0)
        return cross_entropies(logits - self.scale * margins, y), weights
