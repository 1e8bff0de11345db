"""Both domains' labels at once."""

from tlx import Objective, Phase, Strategy, strategy
from tlx.ops import cross_entropy


@strategy
class Joint(Strategy):
    """Trains on the labelled target and, with a weight, on the labelled source.

    loss = cross-entropy(labelled target) + weight * cross-entropy(source), each on its own forward pass

    Reference: Caruana, "Multitask Learning", Machine Learning 28, 1997.
    """

    setting = "fine-tuning"
    needs = "source, labelled"
    paper = "Caruana 1997"

    weight: float = 1.0

    def phases(self, model):
        def loss(state, batch, context):
            target, state = model.features(state, batch.labelled.x)
            target_logits, state = model.classify(state, target)
            source, state = model.features(state, batch.source.x)
            source_logits, state = model.classify(state, source)
            on_target = cross_entropy(target_logits, batch.labelled.y)
            on_source = cross_entropy(source_logits, batch.source.y)
            return on_target + self.weight * on_source, state, {"target": on_target, "source": on_source}

        return (Phase((Objective(loss),), sees=frozenset({"source", "labelled"})),)
