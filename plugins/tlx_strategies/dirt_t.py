"""Decision-boundary iterative refinement training with a teacher."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, strategy
from tlx.blocks import follow
from tlx.ops import kl_consistency
from tlx_strategies.vada import VADA


@strategy
class DIRTT(VADA):
    """VADA, then the target alone: boundaries leave dense regions in steps that stay near the last net's predictions.

    Phase 2: loss = target * (mean H(p) + VAT(target)) + beta * mean KL(t(x) || p(x)), t the moving average of the net
    as it was at the last round

    The authors renew t every 5000 steps: choose the recipe's rounds so. Weights are small as theirs, and Adam does not
    mind; with SGD the second phase hardly moves.

    Settings: those of `vada`; `beta` 0.01; `pretrain`, the share of phase 1.

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    paper = "Shu et al. 2018"

    beta: float = 0.01
    pretrain: float = 0.5

    def phases(self, model) -> tuple[Phase, ...]:
        def renew(state, *_):
            teacher = state.extra["teacher"]
            last = {"params": teacher["params"], "features": teacher["features"]}
            return state._replace(extra={**state.extra, "last": last})

        def loss(state, batch, context):
            last = state.extra["last"]
            before = state._replace(params=last["params"], extra={**state.extra, "features": last["features"]})
            cluster, (_, logits), state, metrics = self.clustered(model, state, batch, context.key)
            features, _ = model.features(before, batch.target.x)
            wanted = jax.lax.stop_gradient(model.logits(before, features))
            near = jnp.mean(kl_consistency(logits, wanted))
            return self.target * cluster + self.beta * near, state, {**metrics, "teacher_kl": near}

        def after(state, batch, context):
            return follow(state, self.decay, statistics=True)

        (vada,) = super().phases(model)
        refine = Phase(
            (Objective(loss, ("features", "head")),),
            name="dirt",
            share=1 - self.pretrain,
            sees=frozenset({"target"}),
            begin=renew,
            refresh=renew,
            after=after,
        )
        return vada._replace(share=self.pretrain), refine
