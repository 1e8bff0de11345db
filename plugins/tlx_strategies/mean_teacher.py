"""Self-ensembling."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import follow, teacher_logits, with_teacher
from tlx.ops import class_balance, cross_entropy, squared_consistency


@strategy
class MeanTeacher(Strategy):
    """A student follows the confident predictions of its own moving average on the target (self-ensembling).

    loss = cross-entropy(source) + weight * mean_i m_i |softmax s(x_i') - softmax t(x_i'')|^2 / classes
    m_i = 1 where the teacher's highest probability exceeds `threshold`; x', x'' two augmentations of x_i
    teacher = decay * teacher + (1 - decay) * student after every step; the teacher predicts

    Source and target go through the student separately, so that each batch has its own statistics (as in the paper).
    With `balance`, weight * balance * mean_i m_i * sum_c BCE(mean softmax s(x')_c, 1 / classes) is added.

    Settings: `weight` 3, on the mean over classes as in the authors' code; `threshold` 0.968; `decay` 0.99; `balance`
    0, as there between MNIST and USPS (0.005 from MNIST to SVHN). With a threshold the paper has no ramp-up.

    Reference: French et al., "Self-ensembling for visual domain adaptation", ICLR 2018.
    """

    paper = "French et al. 2018"

    weight: float = 3.0
    threshold: float = 0.96837722
    decay: float = 0.99
    balance: float = 0.0

    def init(self, model, key):
        return with_teacher(model, model.init(key))

    def phases(self, model):
        def loss(state, batch, context):
            keys = jax.random.split(context.key, 3)
            source, state = model.features(state, model.augment(keys[0], batch.source.x, "weak"))
            logits, state = model.classify(state, source)
            task = cross_entropy(logits, batch.source.y)
            target, state = model.features(state, model.augment(keys[1], batch.target.x, "weak"))
            student, state = model.classify(state, target)
            wanted, state = teacher_logits(model, state, model.augment(keys[2], batch.target.x, "weak"), train=True)
            wanted = jax.lax.stop_gradient(wanted)
            confident = jnp.float32(jnp.max(jax.nn.softmax(wanted), 1) > self.threshold)
            gap = jnp.mean(confident * squared_consistency(student, wanted))
            even = jnp.mean(confident) * class_balance(student)
            metrics = {"task": task, "consistency": gap, "confident": jnp.mean(confident)}
            return task + self.weight * (gap + self.balance * even), state, metrics

        def after(state, batch, context):
            return follow(model, state, self.decay)

        return (Phase((Objective(loss),), after=after),)

    def predict(self, model, state, x):
        return teacher_logits(model, state, x)[0]
