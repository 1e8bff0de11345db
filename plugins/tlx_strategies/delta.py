"""Fine-tuning held near the pretrained net's features."""

import jax
import jax.numpy as jnp

from tlx import Phase, Strategy, strategy
from tlx.blocks import fine_tuned
from tlx.ops import removal_losses, weighted_distance


@strategy
class DELTA(Strategy):
    """Fine-tunes on the labelled target with its features held near those of the pretrained net, useful ones the most.

    loss = cross-entropy(labelled target) + alpha / 2 mean_i sum_j W_j (f_j(x_i) - f_j^source(x_i))^2
    + beta / 2 |w|^2 (head)
    W = width * softmax_j(how much the pretrained net's loss on the labelled target grows without feature j), or 1

    The paper compares the maps of several layers; these are the features before the classifier. W is estimated in a
    phase of its own, with the source's classifier.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the last phase's learning rate as a multiple of
    the first's; `alpha` 0.01 and `beta` 0.01; `attention`, False for W = 1; `estimate`, the share of the steps for W.

    Reference: Li et al., "DELTA: Deep Learning Transfer using Feature Map with Attention for Convolutional Networks",
    ICLR 2019.
    """

    setting = "fine-tuning"
    needs = "source, labelled"
    paper = "Li et al. 2019"

    pretrain: int | float = 0.5
    rate: float = 1.0
    alpha: float = 0.01
    beta: float = 0.01
    attention: bool = True
    estimate: float = 0.02

    def phases(self, model):
        def pretrained(state, x):
            source = state.extra["source"]
            frozen = state._replace(
                params={**state.params, "features": source["params"]},
                extra={**state.extra, "features": source["extra"]},
            )
            return model.features(frozen, x, train=False)[0]

        def begin(state, context):
            source = {"params": state.params["features"], "extra": state.extra["features"]}
            growth, batches = jnp.zeros(model.width), jnp.float32(0)
            return state._replace(extra={**state.extra, "source": source, "growth": growth, "batches": batches})

        def measure(state, batch, context):
            features = pretrained(state, batch.labelled.x)
            growth = removal_losses(lambda z: model.logits(state, z), features, batch.labelled.y)
            done = state.extra["batches"]
            mean = (state.extra["growth"] * done + growth) / (done + 1)
            return state._replace(extra={**state.extra, "growth": mean, "batches": done + 1})

        def term(state, features, batch):
            weights = model.width * jax.nn.softmax(state.extra["growth"]) if self.attention else 1.0
            gaps = (features - pretrained(state, batch.labelled.x)) ** 2
            behaviour = jnp.mean(jnp.sum(weights * gaps, 1))
            head = weighted_distance(state.params["head"])
            return self.alpha / 2 * behaviour + self.beta / 2 * head, {"behaviour": behaviour}

        *source, target = fine_tuned(model, self.pretrain, self.rate, term=term)
        share = self.estimate * target.share
        weigh = Phase((), name="attention", share=share, sees=target.sees, begin=begin, after=measure)
        return *source, weigh, target._replace(share=target.share - share)
