"""Information maximisation."""

from tlx import Additive, strategy
from tlx.ops import information_maximisation


@strategy
class IM(Additive):
    """Maximises the mutual information of target images and their predictions: each certain, all together diverse.

    loss = cross-entropy(source) + weight * (mean H(p_i) - H(mean p_i)), p the softmax of the target batch

    Settings: `weight` 1.

    Reference: Shi and Sha, "Information-Theoretical Learning of Discriminative Clusters for Unsupervised Domain
    Adaptation", ICML 2012.
    """

    paper = "Shi and Sha 2012"

    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        information = -information_maximisation(outputs.target_logits)
        return -self.weight * information, state, {"information": information}
