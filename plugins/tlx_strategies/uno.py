"""A unified objective for new classes."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import concatenate, count
from tlx.layers import MLP
from tlx.ops import cosine_logits, cross_entropy, even_assignment, soft_cross_entropies, unit_columns, unit_rows


@strategy
class UNO(Strategy):
    """Discovers the target's classes: one cross-entropy of all classes, with labels in the source, own ones elsewhere.

    1. theta <- argmin cross-entropy(source), over the known classes.
    2. loss = mean_i [CE(softmax(l_i / T), y'_i) + CE(softmax(l'_i / T), y_i)] / 2, of two views l, l' of the rows of
       both domains; l = the cosines of f and the K prototypes, then of g(f) and the new classes' prototypes

    y_i of a source row is its label; of a target row, zero in the known classes and in the new ones Sinkhorn's
    assignment of the batch by its own view, which fills the new classes evenly. Half of the loss has the new classes'
    part in `over` times as many clusters, by another g. The paper has five g of each kind, and scores by that of the
    least loss; here there is one. Prototypes are unit vectors in the forward pass, there before each step.

    Settings: `pretrain`, the source's share of the steps; `temperature` T 0.1; `epsilon` 0.05 of Sinkhorn; `over` 3;
    `hidden` and `size` of g.

    Reference: Fini et al., "A Unified Objective for Novel Class Discovery", ICCV 2021.
    """

    paper = "Fini et al. 2021"
    spaces = ("discovery",)

    pretrain: float = 0.5
    temperature: float = 0.1
    epsilon: float = 0.05
    over: int = 3
    hidden: tuple[int, ...] = (2048,)
    size: int = 256

    def init(self, model, key):
        keys = iter(jax.random.split(key, 6))
        state, normal = model.init(next(keys)), jax.nn.initializers.lecun_normal()
        sizes, new = (model.width, *self.hidden, self.size), model.outputs - model.known
        state = state.put_params(known=normal(next(keys), (model.width, model.known)))
        for name, clusters in (("new", new), ("over", self.over * new)):
            state = model.add(state, next(keys), f"{name}_projection", lambda rngs: MLP(sizes, True, rngs=rngs))
            state = state.put_params(**{name: normal(next(keys), (self.size, clusters))})
        return state

    def cosines(self, model, state, features, name="new", train=True):
        """The cosines with the prototypes of known and of new classes, or of more clusters ("over"), and the state."""
        projected, state = model.apply(state, f"{name}_projection", features, train=train)
        known = cosine_logits(features, unit_columns(state.params["known"]), 1.0)
        new = unit_rows(projected) @ unit_columns(state.params[name])
        return jnp.concatenate([known, new], axis=1), state

    def phases(self, model):
        def supervised(state, batch, context):
            features, state = model.features(state, model.augment(context.key, batch.source.x, "weak"))
            known = cosine_logits(features, unit_columns(state.params["known"]), self.temperature)
            return cross_entropy(known, batch.source.y), state, {}

        def loss(state, batch, context):
            x, n = concatenate(batch.source.x, batch.target.x), count(batch.source.x)
            features = []
            for key in jax.random.split(context.key):
                seen, state = model.features(state, model.augment(key, x, "weak"))
                features.append(seen)
            losses = {}
            for name in ("new", "over"):
                views, wanted = [], []
                for seen in features:
                    cosines, state = self.cosines(model, state, seen, name)
                    label = jax.nn.one_hot(batch.source.y, cosines.shape[1], dtype=cosines.dtype)
                    even = even_assignment(cosines[n:, model.known :], self.epsilon)
                    views.append(cosines / self.temperature)
                    wanted.append(jnp.concatenate([label, jnp.pad(even, ((0, 0), (model.known, 0)))]))
                swapped = [soft_cross_entropies(views[0], wanted[1]), soft_cross_entropies(views[1], wanted[0])]
                losses[name] = (jnp.mean(swapped[0]) + jnp.mean(swapped[1])) / 2
            return (losses["new"] + losses["over"]) / 2, state, losses

        first = Phase(
            (Objective(supervised, ("features", "known")),), "source", self.pretrain, sees=frozenset({"source"})
        )
        second = Phase((Objective(loss),), "discover", 1 - self.pretrain)
        return first, second

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        return self.cosines(model, state, features, train=False)[0] / self.temperature
