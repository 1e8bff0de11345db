"""Test-time adaptation that is robust to temporal correlation."""

import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import NORM, by_moved, online, supervised
from tlx.ops import around, entropies, reservoir, taken_over


@strategy
class NOTE(Strategy):
    """Test time, correlated streams: entropy minimisation on a memory that is balanced by predicted class.

    loss = mean H(softmax(logits(x))) over a reservoir of the stream that holds as many rows of each predicted class
    batch norm by running statistics, which move by `alpha` towards those of the memory; normalisation layers move

    The reservoir is that of `tlx.ops.reservoir`. A row's place in it is by the evaluation before the step, which also
    predicts. A step comes after each batch; in the authors' code after each 64 rows, so a batch of 64 is theirs. Until
    the memory is full, its rows are repeated to fill it.

    Of the paper's two parts this is the reservoir. The other, instance-aware batch norm, is a layer that the source is
    trained with, and so a backbone's: `resnet18_cifar_iabn`. "NOTE*" there, for i.i.d. streams, is `tent` on that one.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's (theirs: Adam 1e-3); `memory` 64;
    `alpha` 0.01.

    Raises ContractError for a backbone without batch norm.

    Reference: Gong et al., "NOTE: Robust Continual Test-time Adaptation Against Temporal Correlation", NeurIPS 2022.
    """

    setting = "test-time"
    paper = "Gong et al. 2022"
    inputs = ("image",)
    groups = {"norm": NORM}

    rate: float = 1.0
    memory: int = 64
    alpha: float = 0.01

    def phases(self, model):
        def begin(state, context):
            held = jnp.zeros((self.memory, *model.shape))
            return state.put(held=held, label=jnp.full(self.memory, -1), met=jnp.zeros(model.outputs, jnp.int32))

        def loss(state, batch, context):
            x, own = batch.target.x, state.extra
            guess = jnp.argmax(self.predict(model, state, x), 1)
            label, met, row = reservoir(context.key, own["label"], own["met"], guess)
            state = state.put(held=taken_over(own["held"], x, row), label=label, met=met)
            known = state.extra["held"][around(label)]
            features, state = by_moved(model, state, known, self.alpha)
            logits, state = model.classify(state, features, train=False)
            return jnp.mean(entropies(logits)), state, {"held": jnp.mean(jnp.float32(label >= 0))}

        test = online(loss, ("norm",), predict="before", rate=self.rate, begin=begin)
        return supervised(model, name="source"), test
