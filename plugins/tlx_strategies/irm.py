"""Invariant risk minimisation."""

import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, static, strategy
from tlx.ops import invariance_penalty


@strategy
class IRM(Strategy):
    """Trains features on which one classifier is optimal in every source domain at once; sees no target.

    loss = mean_d [ cross-entropy(source_d) + weight * |d/dw cross-entropy(w logits_d)|^2 at w = 1 ], over 1 + weight
    where weight > 1

    The penalty is the product of two halves of a block (`tlx.ops.invariance_penalty`). The first phase has a weight of
    1; the optimizer starts anew at the second, as in DomainBed. A step takes equal blocks of every source domain.

    Settings: `weight` (1; 100 in DomainBed, which does not learn in some hundred steps); `warm`, the
    share of the steps of the first phase.

    Reference: Arjovsky et al., "Invariant Risk Minimization", 2019.
    """

    paper = "Arjovsky et al. 2019"

    weight: float = 1.0
    warm: float = static(0.1)

    def phases(self, model):
        def loss(state, batch, weight):
            features, state = model.features(state, batch.source.x)
            logits, state = model.classify(state, features)
            by_domain = batch.source._replace(x=logits).by_domain(model.domains)
            blocks = list(zip(by_domain.x, by_domain.y, strict=True))
            task = jnp.stack([model.task_loss(x, y) for x, y in blocks]).mean()
            penalty = jnp.stack([invariance_penalty(x, y) for x, y in blocks]).mean()
            return (task + weight * penalty) / jnp.maximum(weight, 1.0), state, {"task": task, "penalty": penalty}

        shared = {"sees": frozenset({"source"}), "draw": {"source": "domain"}}
        warm = Objective(lambda state, batch, context: loss(state, batch, jnp.float32(1)))
        whole = Objective(lambda state, batch, context: loss(state, batch, jnp.float32(self.weight)))
        return Phase((warm,), "warm", self.warm, **shared), Phase((whole,), "invariant", 1 - self.warm, **shared)
