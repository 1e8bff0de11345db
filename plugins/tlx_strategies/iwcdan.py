"""Conditional domain-adversarial training with importance weights."""

import jax
import jax.numpy as jnp

from tlx import strategy
from tlx.layers import MLP
from tlx.ops import multilinear_map
from tlx_strategies.iwdan import IWDAN, with_equal_weights


@strategy
class IWCDAN(IWDAN):
    """As `iwdan`, with the discriminator of `cdan`: on features and predictions together.

    loss = mean_i l_i / (C p_y) + weight * domain_loss(D(R(f (x) g))) with source rows weighted by w_y,
    g = softmax(logits) without a gradient; w as in `iwdan`

    Of the paper's two this is the plain one: IWCDAN-E weighs rows by the entropy of g besides, as `cdan` with
    `entropy`.

    Settings: those of `iwdan`.

    Reference: Tachet des Combes et al., "Domain Adaptation with Conditional Distribution Matching and Generalized Label
    Shift", NeurIPS 2020, section 3.
    """

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width * model.outputs, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))
        return with_equal_weights(model, state)

    def shown(self, outputs):
        logits = jnp.concatenate([outputs.source_logits, outputs.target_logits])
        return multilinear_map(super().shown(outputs), jax.lax.stop_gradient(jax.nn.softmax(logits)))
