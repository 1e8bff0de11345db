"""Correlation alignment."""

from tlx import Additive, strategy
from tlx.ops import coral


@strategy
class CORAL(Additive):
    """Aligns the covariances of the last layer's outputs on both domains (Deep CORAL).

    loss = cross-entropy(source) + weight * |C_s - C_t|_F^2 / (4 classes^2), C the covariance of the logits

    As in the paper, the loss acts on the classifier's outputs (its fc8), not on the features. The paper sets the weight
    so that both losses are about equal at the end of training. TLLib's loss has no 1/4, and a term of the means: see
    `tlx.ops.coral`.

    Reference: Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016.
    """

    paper = "Sun and Saenko 2016"

    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        gap = coral(outputs.source_logits, outputs.target_logits)
        return self.weight * gap, state, {"coral": gap}
