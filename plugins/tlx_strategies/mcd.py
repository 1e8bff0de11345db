"""Maximum classifier discrepancy."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import Norm, both_domains, with_source_norm
from tlx.ops import classifier_discrepancy, uniform_cross_entropy

HEADS = ("head", "head2")


@strategy
class MCD(Strategy):
    """Two classifiers disagree on target rows far from the source; features move to where they agree.

    Every step: A) all groups down cross-entropy of both heads; B) the heads down cross-entropy - weight * gap; C) the
    features, `num_k` times, down weight * gap, with gap = mean |softmax_1 - softmax_2| on the target. To A and B comes
    balance * sum over heads of -mean_c log mean_i p_ic on the target, least where all classes are predicted alike. Both
    domains go through the network together, as in TLLib; the authors' code takes them apart.

    Settings: `weight` of the gap; `num_k`, 4 in the paper's code; `balance` 0 (0.01 in the paper for VisDA, 0.03 in
    TLLib); `norm`, how batch norm sees the domains: "joint", "separate" (the authors') or "domain", see
    `tlx.blocks.both_domains`.

    Reference: Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018.
    """

    paper = "Saito et al. 2018"

    weight: float = 1.0
    num_k: int = 4
    balance: float = 0.0
    norm: Norm = "joint"

    def init(self, model, key):
        model_key, head_key = jax.random.split(key)
        return model.add(model.init(model_key), head_key, "head2", model.classifier())

    def gap(self, first, second, key):
        """How far the heads are apart, from their logits [B, outputs] on the target."""
        return classifier_discrepancy(first, second)

    def phases(self, model):
        def parts(state, batch, context):
            source, target, state = both_domains(model, state, batch, self.norm)
            task, on_target = jnp.zeros(()), []
            for head in HEADS:
                logits, state = model.classify(state, source, net=head)
                task += model.task_loss(logits, batch.source.y)
                logits, state = model.classify(state, target, net=head)
                task += self.balance * uniform_cross_entropy(logits)
                on_target.append(logits)
            return task, self.gap(on_target[0], on_target[1], context.key), state

        def on_task(state, batch, context):
            task, _, state = parts(state, batch, context)
            return task, state, {}

        def heads_apart(state, batch, context):
            task, gap, state = parts(state, batch, context)
            return task - self.weight * gap, state, {"gap": gap}

        def features_together(state, batch, context):
            _, gap, state = parts(state, batch, context)
            return self.weight * gap, state, {}

        a, b = Objective(on_task), Objective(heads_apart, HEADS)
        objectives = (a, b, Objective(features_together, ("features",), self.num_k))
        return (Phase(objectives, begin=lambda state, context: with_source_norm(state, self.norm)),)

    def predict(self, model, state, x):
        """The mean of both heads' logits; the authors' code sums them, which doubles the confidence."""
        features, _ = model.features(state, x, train=False)
        first, second = (model.classify(state, features, net=head, train=False)[0] for head in HEADS)
        return (first + second) / 2
