"""Stochastic normalisation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, static, strategy
from tlx.blocks import fine_tuned


@strategy
class StochNorm(Strategy):
    """Fine-tunes on the labelled target, each channel normalised by running or by batch statistics at random.

    y_c = scale_c * (x_c - m_c) / sqrt(v_c + eps) + shift_c, (m_c, v_c) the batch's statistics with probability p at
    every step, layer and channel, else the running ones; running ones at prediction

    The running statistics begin as the source's, so that knowledge in them is used too. The head begins anew.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the second phase's learning rate as a multiple
    of the first's; `p` 0.5, the share of the batch's statistics, as in the paper and in TLLib.

    Reference: Kou et al., "Stochastic Normalization", NeurIPS 2020.
    """

    setting = "fine-tuning"
    paper = "Kou et al. 2020"
    targets = ("classes", "real")

    pretrain: float = static(0.5)
    rate: float = 1.0
    p: float = 0.5

    def phases(self, model):
        def running(context):
            def chosen(layer, channels):
                key = jax.random.fold_in(context.key, layer)
                return jnp.float32(jax.random.bernoulli(key, 1 - self.p, (channels,)))

            return chosen

        return fine_tuned(model, self.pretrain, self.rate, running=running)
