"""Correlation alignment."""

from tlx import Strategy, strategy
from tlx.ops import both_domains, coral, cross_entropy


@strategy
class CORAL(Strategy):
    """Aligns the covariances of the last layer's outputs on both domains (Deep CORAL).

    loss = cross-entropy(source) + weight * |C_s - C_t|_F^2 / (4 classes^2), C the covariance of the logits

    As in the paper, the loss acts on the classifier's outputs (its fc8), not on the features. The paper sets the weight
    so that both losses are about equal at the end of training.

    Reference: Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016.
    """

    paper = "Sun and Saenko 2016"

    weight: float = 1.0

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch)
        source_logits, target_logits = model.logits(state, source), model.logits(state, target)
        task = cross_entropy(source_logits, batch.source.y)
        gap = coral(source_logits, target_logits)
        return task + self.weight * gap, state, {"task": task, "coral": gap}
