"""Domain adaptation by graph embedding."""

from tlx import strategy
from tlx.blocks import FewShot
from tlx.ops import graph_ratio


@strategy
class DAGE(FewShot):
    """Few labels: the spread of pairs of one class falls against that of pairs of two classes, across the domains.

    loss = (1 - weight) ((1 - share) CE(source) + share CE(labelled target)) + weight * tr(F L F^T) / tr(F L' F^T),
    F the features of both domains; L joins source and target rows of one class, L' those of two classes

    DAGE-LDA: every edge across the domains has weight 1, none joins rows of one domain.

    Settings: `weight` 0.25; `share` 0.5; `augment` (recipe's weak augmentation).

    Reference: Hedegaard et al., "Supervised Domain Adaptation: A Graph Embedding Perspective and a Rectified
    Experimental Protocol", IEEE TIP 2021.
    """

    paper = "Hedegaard et al. 2021"

    def term(self, source, target, same):
        return graph_ratio(source, target, same)
