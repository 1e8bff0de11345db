"""A target whose classes have shares drawn from Dirichlet(1), estimated by a confusion matrix: BBSE."""

import jax
import jax.numpy as jnp
import numpy as np

import tlx
from tlx.blocks import supervised
from tlx.data import Dirichlet, from_arrays
from tlx.ops import cross_entropies

NAMES = tuple("0123456789")


@tlx.strategy
class Bbse(tlx.Strategy):
    """Weighs the source's classes by w, the target's shares over the source's, once a first phase has learnt them.

    C w = q, C[i, j] = p(predicted i, labelled j) on the source's validation rows, q[i] = p(predicted i) on the target
    """

    paper = "Lipton et al. 2018"

    def init(self, model, key):
        return model.init(key).put(weights=jnp.ones(model.known), prior=jnp.ones(model.known) / model.known)

    def phases(self, model):
        def each(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x))

        def labels(state, rows):
            return jax.nn.one_hot(rows.y, model.known)

        def refresh(state, swept, context):
            y, q = swept["labels"], swept["target"].mean(0)
            confusion = swept["source"].T @ y / len(y)
            w = jnp.maximum(jnp.linalg.solve(confusion, q), 0.0)
            prior = w * y.mean(0)
            return state.put(weights=w, prior=prior / prior.sum())

        def loss(state, batch, context):
            features, state = model.features(state, batch.source.x)
            logits, state = model.classify(state, features)
            losses = cross_entropies(logits, batch.source.y) * state.extra["weights"][batch.source.y]
            return losses.mean(), state, {f"prior{c}": state.extra["prior"][c] for c in range(model.known)}

        over = {"source": ("source_val", each), "labels": ("source_val", labels), "target": ("target", each)}
        sweeps = {name: tlx.Sweep(*sweep) for name, sweep in over.items()}
        weighted = tlx.Phase((tlx.Objective(loss),), name="weighted", sweeps=sweeps, refresh=refresh)
        return supervised(model, name="source"), weighted


SEEDS = range(3)


@tlx.hookimpl
def tlx_strategies(register):
    register("bbse", Bbse)


@tlx.hookimpl
def tlx_protocols(register):
    for seed in SEEDS:
        draw = tlx.Draw("dim", "prior", rows=150, prior=Dirichlet(1.0))
        fixed = {"size": 8, "channels": 1, "scored": "train"}
        protocol = tlx.Protocol(
            f"dirichlet-{seed}", "the target's shares are random", draws=(draw,), seed=seed, **fixed
        )
        register(protocol.id, protocol)


def test_estimates_the_prior(run, digits):
    plain = from_arrays("plain", digits.part(0, 2), digits.part(2, 4), classes=NAMES)
    dim = from_arrays("dim", digits.part(1, 2).dim(0.8, 20), classes=NAMES)
    for seed in SEEDS:
        result = run(f"plain->dim@dirichlet-{seed}", "bbse", plain, dim, backbone="dense")
        estimated = np.array([result.curves[-1].metrics[f"prior{c}"] for c in range(10)])  # [classes, seeds]
        true = np.sum(result.selections["last"].scores[0].confusion, 1) / 150
        variation = np.abs(estimated - true[:, None]).sum(0) / 2
        assert variation.max() < 0.12 < np.abs(0.1 - true).sum() / 2
        assert min(result.accuracy()) > 0.8
