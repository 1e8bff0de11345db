"""Sharpness-aware and reliable entropy minimisation."""

import math

import jax
import jax.numpy as jnp
import optax

from tlx import ContractError, Strategy, strategy
from tlx.blocks import NORM, by_batch, norms, online, supervised
from tlx.ops import entropies


@strategy
class SAR(Strategy):
    """Test time: entropy minimisation on reliable rows, towards flat minima, and back to the source when it collapses.

    loss = mean H(p_i(w + e)) over rows with H(p_i(w)) and H(p_i(w + e)) below margin ln classes,
    e = rho g / |g|, g the gradient of mean H(p_i(w)) over rows with H(p_i(w)) below it; w the normalisation layers'
    m <- 0.9 m + 0.1 loss; where m < collapse, the weights are the source's again and m begins anew

    As in `tent`, each batch is predicted before its step, and batch norm is by the batch's own statistics: for small
    batches and correlated streams the paper takes a network of group or layer norm. A reset leaves the optimizer's
    momentum, which the authors' code clears too.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's; `margin` 0.4; `rho` 0.05; `collapse`
    0.2, for 1,000 classes; `frozen`, the last stages of the network whose layers stay: 0, in the paper ResNet-50's last
    one and ViT-B's last three blocks.

    Reference: Niu et al., "Towards Stable Test-Time Adaptation in Dynamic Wild World", ICLR 2023.
    """

    setting = "test-time"
    paper = "Niu et al. 2023"
    groups = {"norm": NORM}

    rate: float = 0.1
    margin: float = 0.4
    rho: float = 0.05
    collapse: float = 0.2
    frozen: int = 0

    def phases(self, model):
        kept = model.stages[len(model.stages) - self.frozen :] if self.frozen else ()

        def begin(state, context):
            if kept and not any(jax.tree.leaves(norms(state.params["features"], kept))):
                stages = ", ".join(model.stages)
                raise ContractError(
                    f"strategy SAR: frozen {self.frozen} leaves no normalisation layer to move, of the stages {stages}"
                )
            return state.put(origin=state.params["features"], mean=jnp.float32(jnp.nan))

        def loss(state, batch, context):
            limit, weights = self.margin * math.log(model.outputs), state.params["features"]

            def doubts(weights):
                features, after = model.features(state.put_params(features=weights), batch.target.x)
                logits, after = model.classify(after, features, train=False)
                return entropies(logits), after

            def first(weights):
                own, _ = doubts(weights)
                reliable = jax.lax.stop_gradient(own) < limit
                return _mean(own, reliable), reliable

            slope, reliable = jax.grad(first, has_aux=True)(jax.lax.stop_gradient(weights))
            slope = jax.tree.map(lambda own, g: g if own else jnp.zeros_like(g), norms(weights, kept), slope)
            step = self.rho / (optax.tree.norm(slope) + 1e-12)
            own, after = doubts(jax.tree.map(lambda w, g: w + step * g, weights, slope))
            both = reliable & (jax.lax.stop_gradient(own) < limit)
            entropy, mean = _mean(own, both), state.extra["mean"]
            moved = jnp.where(jnp.isnan(mean), entropy, 0.9 * mean + 0.1 * entropy)
            after = after.put(mean=jax.lax.stop_gradient(jnp.where(both.any(), moved, mean)))
            return entropy, after, {"kept": jnp.mean(jnp.float32(both))}

        def after(state, batch, context):
            now, origin, mean = state.params["features"], state.extra["origin"], state.extra["mean"]
            lost = mean < self.collapse  # false of NaN

            def one(own, was, is_now):
                return jnp.where(lost, was, is_now) if own else was

            state = state.put_params(features=jax.tree.map(one, norms(now, kept), origin, now))
            return state.put(mean=jnp.where(lost, jnp.nan, mean))

        test = online(loss, ("norm",), predict="before", rate=self.rate, begin=begin, after=after)
        return supervised(model, name="source"), test

    def predict(self, model, state, x):
        return by_batch(model, state, x)


def _mean(values, mark):
    """The mean over marked rows, 0 of none."""
    return jnp.sum(jnp.where(mark, values, 0.0)) / jnp.maximum(jnp.sum(jnp.float32(mark)), 1)
