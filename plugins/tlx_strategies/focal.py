"""The focal loss."""

from tlx import strategy
from tlx.blocks import Imbalanced
from tlx.ops import effective_weights, focal_losses


@strategy
class Focal(Imbalanced):
    """Imbalance: learns the source by the rows that are still hard, classes weighted by their effective number.

    loss = sum_i w_i l_i / sum_i w_i, l_i = -(1 - p_y)^gamma log p_y, w_i = (1 - beta) / (1 - beta^n_y), n_y the rows of
    row i's class

    Settings: `gamma` 2; `beta` 0, which weighs all classes alike (0.9999 in the class-balanced focal loss).

    References: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017; Cui et al., "Class-Balanced Loss Based
    on Effective Number of Samples", CVPR 2019.
    """

    paper = "Lin et al. 2017"

    gamma: float = 2.0
    beta: float = 0.0

    def losses(self, logits, y, counts, context):
        return focal_losses(logits, y, self.gamma), effective_weights(counts, self.beta)[y]
