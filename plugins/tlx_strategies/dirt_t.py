"""Decision-boundary iterative refinement training with a teacher."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, strategy
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
            state = model.copy(state, "teacher_features", "last_features")
            return model.copy(state, "teacher_head", "last_head")

        def loss(state, batch, context):
            last, _ = model.features(state, batch.target.x, net="last_features")
            wanted, _ = model.classify(state, last, net="last_head")
            cluster, (_, logits), state, metrics = self.clustered(model, state, batch, context.key)
            near = jnp.mean(kl_consistency(logits, jax.lax.stop_gradient(wanted)))
            return self.target * cluster + self.beta * near, state, {**metrics, "teacher_kl": near}

        (vada,) = super().phases(model)
        refine = Phase(
            (Objective(loss, ("features", "head")),),
            name="dirt",
            share=1 - self.pretrain,
            sees=frozenset({"target"}),
            begin=renew,
            refresh=renew,
            after=vada.after,
        )
        return vada._replace(share=self.pretrain), refine
