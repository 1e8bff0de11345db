"""Continual test-time adaptation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import by_batch, follow, online, supervised, with_teacher
from tlx.ops import restored, soft_cross_entropies

NETS = ("features", "head")


@strategy
class CoTTA(Strategy):
    """Test time: follows a weight-averaged teacher, and now and then restores weights to the source's.

    loss = mean cross-entropy(t(x), s(x)), all parameters; t the teacher's probabilities, averaged over `views`
    strong augmentations of the batch where the source model's mean confidence is below `threshold`
    after a step: teacher = decay * teacher + (1 - decay) * student; then each weight of the student is the
    source's again with probability `restore`

    The authors' code takes the softmax of the views' mean logits, where this averages probabilities: of 32 random views
    the loss is 3.73 there and 3.66 here; of one view the two are equal. The teacher predicts each batch before the step
    on it, as there; but there the prediction is that average over the views, and here it is of the plain batch. All is
    normalised by the batch's own statistics.

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
            for net in NETS:
                state = model.copy(state, net, f"source_{net}")
            return with_teacher(model, state)

        def probabilities(state, who, x):
            return jax.nn.softmax(by_batch(model, state, x, net=f"{who}_features", head=f"{who}_head"))

        def loss(state, batch, context):
            x = batch.target.x
            certain = jnp.mean(jnp.max(probabilities(state, "source", x), 1))

            def view(key):
                return probabilities(state, "teacher", model.augment(key, x, "strong"))

            def averaged():
                return jnp.mean(jax.lax.map(view, jax.random.split(context.key, self.views)), 0)

            wanted = jax.lax.cond(certain < self.threshold, averaged, lambda: probabilities(state, "teacher", x))
            features, state = model.features(state, x)
            logits, state = model.classify(state, features)
            gap = jnp.mean(soft_cross_entropies(logits, jax.lax.stop_gradient(wanted)))
            return gap, state, {"certainty": certain}

        def after(state, batch, context):
            state = follow(model, state, self.decay)
            now, source = ({net: state.params[who + net] for net in NETS} for who in ("", "source_"))
            return state.put_params(**restored(context.key, now, source, self.restore))

        test = online(loss, ("*",), predict="before", rate=self.rate, begin=begin, after=after)
        return supervised(model, name="source"), test

    def predict(self, model, state, x):
        who = "teacher_" if "teacher_head" in state.params else ""
        return by_batch(model, state, x, net=f"{who}features", head=f"{who}head")
