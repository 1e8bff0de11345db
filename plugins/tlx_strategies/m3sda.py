"""Moment matching for multi-source adaptation."""

import jax

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import both_domains
from tlx.ops import classifier_discrepancy, moment_matching

HEADS = ("head", "head2")


@strategy
class M3SDA(Strategy):
    """M3SDA-beta: moments of all domains move together, and two classifiers disagree on the target, as in `mcd`.

    Every step: A) all groups down the task + weight * moments; B) the heads down the task + weight * moments - gap;
    C) the features, `num_k` times, down gap, with the task = the sum over heads of cross-entropy(source), gap = mean
    |softmax_1 - softmax_2| on the target, moments = `tlx.ops.moment_matching` over all sources and the target

    A step takes equal blocks of every source domain. As the authors' code, one pair of classifiers serves all sources;
    the paper has a pair for each. "joint" batch norm, as `tlx.blocks.both_domains`.

    Settings: `weight` of the moments (0.0005, the authors' for digits); `moments`, how many (5 in their code, 2 in the
    paper); `num_k`, steps of the features a step (4).

    Reference: Peng et al., "Moment Matching for Multi-Source Domain Adaptation", ICCV 2019.
    """

    paper = "Peng et al. 2019"

    weight: float = 0.0005
    moments: int = 5
    num_k: int = 4

    def init(self, model, key):
        model_key, head_key = jax.random.split(key)
        return model.add(model.init(model_key), head_key, "head2", model.classifier())

    def phases(self, model):
        def parts(state, batch):
            source, target, state = both_domains(model, state, batch)
            blocks = source.reshape(model.domains, -1, source.shape[1])
            task, on_target = self.weight * moment_matching(blocks, target, self.moments), []
            for head in HEADS:
                logits, state = model.classify(state, source, net=head)
                task += model.task_loss(logits, batch.source.y)
                logits, state = model.classify(state, target, net=head)
                on_target.append(logits)
            return task, classifier_discrepancy(*on_target), state

        def all_down(state, batch, context):
            task, gap, state = parts(state, batch)
            return task, state, {"gap": gap}

        def heads_apart(state, batch, context):
            task, gap, state = parts(state, batch)
            return task - gap, state, {}

        def features_together(state, batch, context):
            _, gap, state = parts(state, batch)
            return gap, state, {}

        objectives = (
            Objective(all_down),
            Objective(heads_apart, HEADS),
            Objective(features_together, ("features",), self.num_k),
        )
        return (Phase(objectives, draw={"source": "domain"}),)

    def predict(self, model, state, x):
        """The mean of both heads' logits, as `mcd` has it."""
        features, _ = model.features(state, x, train=False)
        first, second = (model.classify(state, features, net=head, train=False)[0] for head in HEADS)
        return (first + second) / 2
