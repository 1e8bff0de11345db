"""Classification and contrastive semantic alignment."""

from tlx import strategy
from tlx.blocks import FewShot
from tlx.ops import contrastive_alignment


@strategy
class CCSA(FewShot):
    """Few labels: draws source and target rows of one class together, and those of two classes apart, to a margin.

    loss = (1 - weight) ((1 - share) CE(source) + share CE(labelled target)) + weight * (mean d^2 over pairs of one
    class + negatives * mean max(0, margin - d)^2 over pairs of two) / (1 + negatives), d = |f(x_s) - f(x_t)|

    All pairs of a batch count, weighted as the authors draw theirs: `negatives` of two classes for one of a single
    class. Their classifier learns from the source row of every pair, and from the target row after a swap of the two
    streams: `share` 0.5.

    Settings: `weight` 0.25; `share` 0.5; `margin` 1; `negatives` 3; `augment` (recipe's weak augmentation).

    Reference: Motiian et al., "Unified Deep Supervised Domain Adaptation and Generalization", ICCV 2017.
    """

    paper = "Motiian et al. 2017"

    margin: float = 1.0
    negatives: float = 3.0

    def term(self, source, target, same):
        return contrastive_alignment(source, target, same, self.margin, self.negatives)
