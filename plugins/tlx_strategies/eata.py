"""Efficient test-time adaptation with anti-forgetting."""

import jax
import jax.numpy as jnp

from tlx import Phase, Strategy, strategy
from tlx.blocks import NORM, by_batch, online, supervised
from tlx.ops import cross_entropy, reliable_entropy, weighted_distance


@strategy
class EATA(Strategy):
    """Test time: entropy minimisation on reliable rows that bring something new, held near the source's optimum.

    loss = mean over kept rows of exp(E_0 - H(p_i)) H(p_i) + anchor * sum_k F_k (w_k - w_k^0)^2, E_0 = margin ln classes
    Row i is kept where H(p_i) < E_0 and |cos(p_i, m)| < overlap; m <- 0.9 m + 0.1 mean of the kept p_i.

    The Fisher information F is the mean square of the batches' gradients of cross-entropy to the net's own labels, as
    in the authors' code, over source rows in a phase of their own. As in `tent`, each batch is predicted before its
    step and only normalisation layers move.

    Settings: `rate`, the test-time learning rate as a multiple of the recipe's; `margin` 0.4; `overlap` 0.4 and
    `anchor` 1, for 10 classes (0.05 and 2000 on ImageNet); `fisher`, the share of the steps that estimate F.

    Reference: Niu et al., "Efficient Test-Time Model Adaptation without Forgetting", ICML 2022.
    """

    setting = "test-time"
    paper = "Niu et al. 2022"
    groups = {"norm": NORM}

    rate: float = 0.1
    margin: float = 0.4
    overlap: float = 0.4
    anchor: float = 1.0
    fisher: float = 0.05

    def phases(self, model):
        def begin(state, context):
            return state.put(fisher=jax.tree.map(jnp.zeros_like, state.params["features"]), batches=jnp.float32(0))

        def estimate(state, batch, context):
            def own_loss(features):
                logits = by_batch(model, state.put_params(features=features), batch.source.x)
                return cross_entropy(logits, jnp.argmax(logits, 1))

            slope, done = jax.grad(own_loss)(state.params["features"]), state.extra["batches"]
            fisher = jax.tree.map(lambda f, g: (f * done + g**2) / (done + 1), state.extra["fisher"], slope)
            return state.put(fisher=fisher, batches=done + 1)

        def begin_test(state, context):
            return state.put(origin=state.params["features"], seen=jnp.zeros(model.outputs))

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features, train=False)
            entropy, seen, kept = reliable_entropy(logits, state.extra["seen"], self.margin, self.overlap)
            away = weighted_distance(state.params["features"], state.extra["origin"], state.extra["fisher"])
            metrics = {"entropy": entropy, "away": away, "kept": kept}
            return entropy + self.anchor * away, state.put(seen=seen), metrics

        fisher = Phase(name="fisher", share=self.fisher, sees=frozenset({"source"}), begin=begin, after=estimate)
        source = supervised(model, name="source", share=1 - self.fisher)
        return source, fisher, online(loss, ("norm",), predict="before", rate=self.rate, begin=begin_test)

    def predict(self, model, state, x):
        return by_batch(model, state, x)
