"""Domain adaptation by stochastic neighbourhood embedding."""

from tlx import strategy
from tlx.blocks import FewShot
from tlx.ops import neighbour_margin


@strategy
class DSNE(FewShot):
    """Few labels: of each target row, the farthest source row of its class comes nearer than the nearest of another.

    loss = (1 - weight) ((1 - share) CE(source) + share CE(labelled target)) + weight * mean_t max(0,
    max_{s: y_s = y_t} d^2 - min_{s: y_s != y_t} d^2 + margin), d = |f(x_s) - f(x_t)|, over the pairs of a batch

    The semi-supervised extension of the paper, a mean teacher on unlabelled rows, is left out.

    Settings: `weight` 0.1; `share` 0.5; `margin` 1; `augment` (recipe's weak augmentation).

    Reference: Xu et al., "d-SNE: Domain Adaptation using Stochastic Neighborhood Embedding", CVPR 2019.
    """

    paper = "Xu et al. 2019"

    weight: float = 0.1
    margin: float = 1.0

    def term(self, source, target, same):
        return neighbour_margin(source, target, same, self.margin)
