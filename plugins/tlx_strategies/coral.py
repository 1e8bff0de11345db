"""Correlation alignment."""

from tlx import Strategy, strategy
from tlx.ops import both_domains, coral, cross_entropy


@strategy
class CORAL(Strategy):
    """Aligns the covariances of the features of both domains (Deep CORAL).

    loss = cross-entropy(source) + weight * |C_s - C_t|_F^2 / (4 width^2)

    The paper sets the weight so that both losses are about equal at the end of training; on 256 normalised features
    that is of the order of 1000.

    Reference: Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016.
    """

    paper = "Sun and Saenko 2016"

    weight: float = 1000.0

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch)
        task = cross_entropy(model.logits(state, source), batch.source.y)
        gap = coral(source, target)
        return task + self.weight * gap, state, {"task": task, "coral": gap}
