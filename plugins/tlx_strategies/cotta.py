"""Continual test-time adaptation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import as_teacher, by_batch, follow, online, supervised, with_teacher
from tlx.ops import restored, soft_cross_entropies


@strategy
class CoTTA(Strategy):
    """Test time: follows a weight-averaged teacher, and now and then restores weights to the source's.

    loss = mean cross-entropy(t(x), s(x)), all parameters; t the teacher's probabilities, averaged over `views`
    strong augmentations of the batch where the source model's mean confidence is below `threshold`
    after a step: teacher = decay * teacher + (1 - decay) * student; then each weight of the student is the
    source's again with probability `restore`

    The teacher predicts, after the step on its batch. Everything is normalised by the batch's own statistics.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's; `decay` 0.999; `restore` 0.01;
    `threshold` 0.92 and `views` 32, as for CIFAR-10.

    Reference: Wang et al., "Continual Test-Time Domain Adaptation", CVPR 2022.
    """

    setting = "test-time"
    paper = "Wang et al. 2022"

    rate: float = 0.1
    decay: float = 0.999
    restore: float = 0.01
    threshold: float = 0.92
    views: int = 32

    def phases(self, model):
        def begin(state, context):
            state = with_teacher(state)
            return state._replace(extra={**state.extra, "origin": state.params})

        def loss(state, batch, context):
            x, teacher = batch.target.x, as_teacher(state)
            source = jax.nn.softmax(by_batch(model, state._replace(params=state.extra["origin"]), x))
            certain = jnp.mean(jnp.max(source, 1))

            def averaged():
                def view(key):
                    return jax.nn.softmax(by_batch(model, teacher, model.augment(key, x, "strong")))

                return jnp.mean(jax.lax.map(view, jax.random.split(context.key, self.views)), 0)

            wanted = jax.lax.cond(
                certain < self.threshold, averaged, lambda: jax.nn.softmax(by_batch(model, teacher, x))
            )
            features, state = model.features(state, x)
            gap = jnp.mean(soft_cross_entropies(model.logits(state, features), jax.lax.stop_gradient(wanted)))
            return gap, state, {"certainty": certain}

        def after(state, batch, context):
            state = follow(state, self.decay)
            return state._replace(params=restored(context.key, state.params, state.extra["origin"], self.restore))

        return supervised(model, name="source"), online(loss, ("*",), rate=self.rate, begin=begin, after=after)

    def predict(self, model, state, x):
        return by_batch(model, as_teacher(state) if "teacher" in state.extra else state, x)
