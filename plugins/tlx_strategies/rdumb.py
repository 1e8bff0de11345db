"""A strong and simple baseline of continual test-time adaptation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import NORM, by_batch, online, supervised
from tlx.ops import reliable_entropy


@strategy
class RDumb(Strategy):
    """Test time: entropy minimisation on reliable rows that bring something new, from the source anew now and then.

    loss = mean over kept rows of exp(E_0 - H(p_i)) H(p_i), kept and weighed as in `eata`, without its anchor
    after every `every` steps the weights and the memory of what was seen are those of the beginning

    A reset leaves the optimizer's momentum, which the authors' code clears too.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's; `margin` 0.4; `overlap` 0.4, for 10
    classes (0.05 on ImageNet); `every` 1,000 batches, as in the paper.

    Reference: Press et al., "RDumb: A simple approach that questions our progress in continual test-time adaptation",
    NeurIPS 2023.
    """

    setting = "test-time"
    paper = "Press et al. 2023"
    groups = {"norm": NORM}

    rate: float = 0.1
    margin: float = 0.4
    overlap: float = 0.4
    every: int = 1000

    def phases(self, model):
        def begin(state, context):
            return state.put(origin=state.params["features"], seen=jnp.zeros(model.outputs), steps=jnp.int32(0))

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features, train=False)
            entropy, seen, kept = reliable_entropy(logits, state.extra["seen"], self.margin, self.overlap)
            return entropy, state.put(seen=seen), {"kept": kept}

        def after(state, batch, context):
            steps = state.extra["steps"] + 1
            anew = steps % self.every == 0
            features, seen = jax.tree.map(
                lambda was, now: jnp.where(anew, was, now),
                (state.extra["origin"], jnp.zeros(model.outputs)),
                (state.params["features"], state.extra["seen"]),
            )
            return state.put_params(features=features).put(seen=seen, steps=steps)

        test = online(loss, ("norm",), predict="before", rate=self.rate, begin=begin, after=after)
        return supervised(model, name="source"), test

    def predict(self, model, state, x):
        return by_batch(model, state, x)
