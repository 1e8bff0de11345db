"""Balanced and uncertainty-aware adaptation to a target that lacks classes."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, Sweep, strategy
from tlx.layers import MLP
from tlx.ops import (
    complement_entropies,
    cross_entropies,
    dann_ramp,
    domain_accuracy,
    entropies,
    reverse_gradient,
)

EXTRA = 4  # one source row is added to the target's side for so many rows of a batch


@strategy
class BA3US(Strategy):
    """DANN that fills the target up with source rows, and fewer of them as training goes on; classes have weights.

    loss = sum_i w_i cross-entropy_i(source) / sum_i w_i + entropy * mean H(p(target)) - complement * sum_i v_i C_i /
    sum_i v_i + [(1 + r) <-log d>_source with added + <-log(1 - d)>_target] / (2 + r)

    d = sigmoid D(R(f)); <.> are means weighted by 1 + exp(-H), by w too for source rows; the r B added source rows
    stand for target rows, with the loss -log(1 - d). r = 1/4 (1 - progress). C_i = the entropy over the classes but
    y_i, over its largest, v_i = w_i (1 - p_{y_i}). w = mean p(y | x) over the target's train rows, anew in every
    round; 1 in the first. R is that of `dann`, and the entropies in the adversary's weights pass through it too.

    The authors change r by stages, with each renewal of w; here it changes with each step.

    Settings: `entropy`; `complement`, 1 or 5 in the paper; `gamma`, how fast R's coefficient grows; `hidden`, layers
    of D.

    Reference: Liang et al., "A Balanced and Uncertainty-aware Approach for Partial Domain Adaptation", ECCV 2020.
    """

    paper = "Liang et al. 2020"
    spaces = ("closed", "partial")

    entropy: float = 0.1
    complement: float = 1.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))
        return state.put(weights=jnp.ones(model.known))

    def phases(self, model):
        def each(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x))

        def refresh(state, swept, context):
            return state.put(weights=jnp.where(context.progress > 0, swept["target"].mean(0), 1.0))

        def loss(state, batch, context):
            x = jnp.concatenate([batch.source.x, batch.target.x])
            features, state = model.features(state, x)
            logits, state = model.classify(state, features)
            every, n = len(batch.source.y), len(batch.target.index)  # source rows with those to add; of the target
            w, y, own = state.extra["weights"][batch.source.y], batch.source.y[:n], logits[:n]
            task = _mean(cross_entropies(own, y), w[:n])
            p_own = jnp.take_along_axis(jax.nn.softmax(own), y[:, None], 1)[:, 0]
            largest = jnp.log(jnp.maximum(model.known - 1.0, 2.0))
            spread = _mean(complement_entropies(own, y) / largest, jax.lax.stop_gradient(w[:n] * (1 - p_own)))
            unsure = entropies(logits)

            flow, added = dann_ramp(context.progress, self.gamma), jnp.floor(n * (1 - context.progress) / EXTRA)
            judged, state = model.apply(state, "critic", reverse_gradient(features, flow))
            place = jnp.arange(every, dtype=w.dtype)
            taken = jnp.where(place < n + added, w, 0)
            trust = 1 + jnp.exp(-reverse_gradient(unsure, flow))
            on_source, on_target = jnp.split(judged[:, 0], [every])
            sides = jax.nn.softplus(jnp.where(place < n, -on_source, on_source))
            domain = (1 + added / n) * _mean(sides, trust[:every] * taken)
            domain = (domain + _mean(jax.nn.softplus(on_target), trust[every:])) / (2 + added / n)

            total = task + self.entropy * jnp.mean(unsure[every:]) - self.complement * spread + domain
            accuracy = domain_accuracy(on_source[:n], on_target)
            return total, state, {"task": task, "complement": spread, "domain": domain, "domain_accuracy": accuracy}

        sweeps, batch = {"target": Sweep("target", each)}, {"source": 1 + 1 / EXTRA}
        return (Phase((Objective(loss),), batch=batch, sweeps=sweeps, refresh=refresh),)


def _mean(losses, weights):
    return jnp.sum(weights * losses) / jnp.maximum(jax.lax.stop_gradient(weights.sum()), 1e-8)
