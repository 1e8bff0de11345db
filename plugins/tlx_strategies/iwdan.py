"""Domain-adversarial training with importance weights."""

import jax
import jax.numpy as jnp

from tlx import Sweep, strategy
from tlx.ops import (
    cross_entropies,
    dann_ramp,
    domain_accuracy,
    domain_loss,
    joint_confusion,
    nonnegative_least_squares,
    reverse_gradient,
)
from tlx_strategies.dann import DANN


@strategy
class IWDAN(DANN):
    """As `dann`, its source rows weighted by the target's class shares over the source's (generalised label shift).

    loss = mean_i l_i / (C p_y) + weight * domain_loss(D(R(f(x)))) with source rows weighted by w_y; w solves
    min |C w - q|^2 over w >= 0 and is scaled to sum_c w_c p_c = 1, C and q as in `bbse` (soft), on train rows

    w moves half of the way before every round but the first. The authors gather C and q while an epoch's batches pass,
    and have the sum as a constraint of the quadratic program; here both are of all rows as the network is then, and the
    sum is set afterwards.

    Settings: those of `dann`; `momentum` 0.5, the part of w that stays.

    Reference: Tachet des Combes et al., "Domain Adaptation with Conditional Distribution Matching and Generalized Label
    Shift", NeurIPS 2020, algorithm 1.
    """

    paper = "Tachet des Combes et al. 2020"
    targets = ("classes",)
    spaces = ("closed", "partial")

    momentum: float = 0.5

    def init(self, model, key):
        return with_equal_weights(model, super().init(model, key))

    def phases(self, model):
        def said(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x))

        def labelled(state, rows):
            return said(state, rows), rows.y

        def refresh(state, swept, context):
            p, y = swept["source"]
            shares = jax.nn.one_hot(y, model.outputs).mean(0)
            confusion, before = joint_confusion(p, y), state.extra["class_weights"]
            target = swept["target"].mean(0)
            w = nonnegative_least_squares(confusion.T @ confusion, confusion.T @ target, before)
            w = w / jnp.maximum(w @ shares, 1e-6)
            after = self.momentum * before + (1 - self.momentum) * w
            return state.put(class_shares=shares, class_weights=jnp.where(context.progress > 0, after, before))

        sweeps = {"source": Sweep("source", labelled), "target": Sweep("target", said)}
        (phase,) = super().phases(model)
        return (phase._replace(sweeps=sweeps, refresh=refresh),)

    def shown(self, outputs):
        """What the discriminator sees of source and target rows."""
        return jnp.concatenate([outputs.source, outputs.target])

    def transfer(self, model, state, outputs, batch, context):
        y, w = batch.source.y, state.extra["class_weights"]
        flow = dann_ramp(context.progress, self.gamma)
        judged, state = model.apply(state, "critic", reverse_gradient(self.shown(outputs), flow))
        source, target = jnp.split(judged[:, 0], [len(y)])
        domain = domain_loss(source, target, w[y], jnp.ones(len(target)))
        losses, shares = cross_entropies(outputs.source_logits, y), state.extra["class_shares"]
        balanced = jnp.mean(losses / (model.outputs * jnp.maximum(shares[y], 1e-6))) - jnp.mean(losses)
        metrics = {"domain": domain, "domain_accuracy": domain_accuracy(source, target), "largest_weight": w.max()}
        return balanced + self.weight * domain, state, metrics


def with_equal_weights(model, state):
    """The state with the weights and the shares of classes that none sets apart."""
    ones = jnp.ones(model.outputs)
    return state.put(class_weights=ones, class_shares=ones / model.outputs)
