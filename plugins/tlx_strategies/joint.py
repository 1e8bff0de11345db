"""Both domains' labels at once."""

from tlx import Objective, Phase, Strategy, strategy


@strategy
class Joint(Strategy):
    """Trains on the labelled target and, with a weight, on the labelled source.

    loss = task loss(labelled target) + weight * task loss(source), each on its own forward pass

    Reference: Caruana, "Multitask Learning", Machine Learning 28, 1997.
    """

    setting = "fine-tuning"
    paper = "Caruana 1997"
    targets = ("classes", "real")

    weight: float = 1.0

    def phases(self, model):
        def loss(state, batch, context):
            target, state = model.features(state, batch.labelled.x)
            target_logits, state = model.classify(state, target)
            source, state = model.features(state, batch.source.x)
            source_logits, state = model.classify(state, source)
            on_target = model.task_loss(target_logits, batch.labelled.y)
            on_source = model.task_loss(source_logits, batch.source.y)
            return on_target + self.weight * on_source, state, {"target": on_target, "source": on_source}

        return (Phase((Objective(loss),), sees=frozenset({"source", "labelled"})),)
