"""Robust test-time adaptation."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import NORM, by_moved, follow, online, supervised, with_teacher
from tlx.ops import Timely, around, entropies, soft_cross_entropies, taken_over, timeliness, timely_memory


@strategy
class RoTTA(Strategy):
    """Test time, correlated streams: a student learns from a teacher on a class-balanced memory of recent, sure rows.

    loss = mean over the memory of timeliness(a_i) cross-entropy(t(x_i), s(strong view of x_i)), normalisation layers
    timeliness(a) = exp(-a / M) / (1 + exp(-a / M)), a_i the rows met since x_i, M = `memory`
    batch norm by running statistics, which move by `alpha` towards those of each batch of the memory
    teacher = (1 - nu) teacher + nu student; the teacher labels a row for the memory, and predicts, in evaluation mode

    The memory is that of `tlx.ops.timely_memory`. A step comes after each batch; in the authors' code after each 64
    rows, so a batch of 64 is theirs. Until the memory is full, its rows are repeated to fill it for batch norm alone.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's (theirs: Adam 1e-3); `memory` 64;
    `alpha` 0.05; `nu` 0.001.

    Raises ContractError for a backbone without batch norm.

    Reference: Yuan et al., "Robust Test-Time Adaptation in Dynamic Scenarios", CVPR 2023.
    """

    setting = "test-time"
    paper = "Yuan et al. 2023"
    inputs = ("image",)
    groups = {"norm": NORM}

    rate: float = 1.0
    memory: int = 64
    alpha: float = 0.05
    nu: float = 0.001

    def phases(self, model):
        def begin(state, context):
            state = with_teacher(model, state)
            return state.put(held=jnp.zeros((self.memory, *model.shape)), about=Timely.empty(self.memory))

        def loss(state, batch, context):
            x = batch.target.x
            logits = self.predict(model, state, x)
            about, row = timely_memory(state.extra["about"], jnp.argmax(logits, 1), entropies(logits), model.outputs)
            held = taken_over(state.extra["held"], x, row)
            state = state.put(held=held, about=about)
            order = around(about.label)
            known, count = held[order], jnp.sum(about.label >= 0)
            features, state = by_moved(model, state, known, self.alpha, net="teacher_features")
            wanted = jax.nn.softmax(model.classify(state, features, net="teacher_head", train=False)[0])
            view = model.augment(context.key, known, "strong")
            features, state = by_moved(model, state, view, self.alpha)
            gaps = soft_cross_entropies(model.classify(state, features, train=False)[0], jax.lax.stop_gradient(wanted))
            weights = jnp.where(jnp.arange(self.memory) < count, timeliness(about.age[order]), 0.0)
            return weights @ gaps / jnp.float32(count), state, {"held": jnp.float32(count)}

        def after(state, batch, context):
            return follow(model, state, 1 - self.nu)

        test = online(loss, ("norm",), predict="before", rate=self.rate, begin=begin, after=after)
        return supervised(model, name="source"), test

    def predict(self, model, state, x):
        who = "teacher_" if "teacher_head" in state.params else ""
        features, _ = model.features(state, x, net=f"{who}features", train=False)
        return model.classify(state, features, net=f"{who}head", train=False)[0]
