"""Test-time entropy minimisation."""

import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import NORM, by_batch, online, supervised
from tlx.ops import entropies


@strategy
class TENT(Strategy):
    """Test time: on each batch of test images, moves the normalisation layers' scales and shifts down the entropy.

    loss = mean H(softmax(logits(x))), over the test stream once, in order; normalised by each batch's own statistics.
    Each batch is predicted before its step, which is for the next batch. A batch is normalised by its biased variance,
    as in PyTorch; the running one, which PyTorch takes n / (n - 1) times as large, is not used.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's.

    Reference: Wang et al., "Tent: Fully Test-Time Adaptation by Entropy Minimization", ICLR 2021.
    """

    setting = "test-time"
    paper = "Wang et al. 2021"
    groups = {"norm": NORM}

    rate: float = 0.1

    def phases(self, model):
        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features, train=False)
            return jnp.mean(entropies(logits)), state, {}

        return supervised(model, name="source"), online(loss, ("norm",), predict="before", rate=self.rate)

    def predict(self, model, state, x):
        return by_batch(model, state, x)
