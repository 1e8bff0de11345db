"""Gradual self-training."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, Sweep, strategy
from tlx.blocks import supervised
from tlx.ops import confident_rows, cross_entropy


@strategy
class Gradual(Strategy):
    """Source-free: goes from the source to the last target through the targets between, which it labels one by one.

    1. theta <- argmin cross-entropy(source).
    2. For the targets D_1 to D_T of the task in order ("a->b->c"): y_i = argmax p_theta(x_i) on D_t, those kept whose
       probability is among the highest `keep` of D_t; then theta <- argmin mean_i cross-entropy(p_theta(x_i), y_i).

    Each target has an equal part of phase 2, and its labels are set before the first round of that part: give the run a
    multiple of T rounds there, as a target whose part has no round of its own is left out. Intermediate domains without
    an order (a continuous shift) are cut into targets first. With one target it is self-training.

    Settings: `pretrain`, the source's share of the steps; `keep`, the share of each target's rows that are learnt.

    Reference: Kumar, Ma, Liang, "Understanding Self-Training for Gradual Domain Adaptation", ICML 2020.
    """

    setting = "source-free"
    paper = "Kumar et al. 2020"

    pretrain: float = 0.5
    keep: float = 0.9

    def phases(self, model):
        rows = model.rows["target"]

        def begin(state, context):
            return state.put(at=jnp.int32(-1), labels=jnp.zeros(rows, jnp.int32), kept=jnp.zeros(rows, bool))

        def predicted(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x)), rows.domain

        def refresh(state, swept, context):
            p, domain = swept["predicted"]
            first, last = domain.min(), domain.max()
            passed = jnp.floor(context.progress * (last - first + 1).astype(jnp.float32) + 1e-4)
            at = jnp.minimum(first + passed.astype(jnp.int32), last)
            moved = at != state.extra["at"]
            kept = confident_rows(p.max(1), domain == at, self.keep)
            return state.put(
                at=at,
                labels=jnp.where(moved, p.argmax(1).astype(jnp.int32), state.extra["labels"]),
                kept=jnp.where(moved, kept, state.extra["kept"]),
            )

        def draw(state, fields, key, sizes):
            kept = jnp.cumsum(state.extra["kept"])
            places = jax.random.randint(key, (sizes["target"],), 1, kept[-1] + 1)
            return {"target": jnp.searchsorted(kept, places).astype(jnp.int32)}

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features)
            return cross_entropy(logits, state.extra["labels"][batch.target.index]), state, {}

        adapt = Phase(
            (Objective(loss),), "adapt", 1 - self.pretrain, sees=frozenset({"target"}), draw=draw,
            sweeps={"predicted": Sweep("target", predicted)}, begin=begin, refresh=refresh,
        )  # fmt: skip
        return supervised(model, name="source", share=self.pretrain), adapt
