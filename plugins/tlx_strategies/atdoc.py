"""Auxiliary target domain-oriented classifier."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.ops import cross_entropies, neighbour_probabilities, row_norms, sharpened


@strategy
class ATDOC(Additive):
    """Labels target rows by their neighbours in a memory of the target, not by the source's classifier.

    loss = cross-entropy(source) + weight * p * sum_i w_i cross-entropy(t_i, y_i) / sum_i w_i,
    q_i = the mean of the memory's probabilities over the `neighbours` rows nearest to f(t_i), y_i = argmax q_i,
    w_i = max q_i, p the progress

    The memory holds unit features and sharpened probabilities of every target train row, as they were when last seen
    (neighbourhood aggregation, the NA of the paper).

    A row is stored as the training pass before the step sees it; the authors' code stores it after the step, in eval
    mode. The memory starts with random unit features of either sign; theirs with positive ones, all near to each other.

    Settings: `weight` 1; `neighbours` 5.

    Reference: Liang et al., "Domain Adaptation with Auxiliary Target Domain-Oriented Classifier", CVPR 2021.
    """

    paper = "Liang et al. 2021"

    weight: float = 1.0
    neighbours: int = 5

    def init(self, model, key):
        model_key, bank_key = jax.random.split(key)
        rows = model.rows["target"]
        features = _unit(jax.random.normal(bank_key, (rows, model.width)))
        p = jnp.full((rows, model.outputs), 1 / model.outputs)
        return model.init(model_key).put(memory={"features": features, "p": p})

    def transfer(self, model, state, outputs, batch, context):
        bank, index = state.extra["memory"], batch.target.index
        features = jax.lax.stop_gradient(_unit(outputs.target))
        q = neighbour_probabilities(features, index, bank["features"], bank["p"], self.neighbours)
        trust = jnp.max(q, 1)
        pseudo = jnp.sum(trust * cross_entropies(outputs.target_logits, jnp.argmax(q, 1))) / jnp.sum(trust)
        p = jax.lax.stop_gradient(sharpened(jax.nn.softmax(outputs.target_logits)))
        seen = {"features": bank["features"].at[index].set(features), "p": bank["p"].at[index].set(p)}
        state = state.put(memory=seen)
        return self.weight * context.progress * pseudo, state, {"pseudo": pseudo, "trust": jnp.mean(trust)}


def _unit(x):
    return x / jnp.maximum(row_norms(x), 1e-8)[:, None]
