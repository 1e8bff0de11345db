"""Active learning by entropy."""

from tlx import strategy
from tlx.blocks import Active
from tlx.ops import entropies, highest


@strategy
class ActiveEntropy(Active):
    """Asks for the labels of the target rows whose predictions have the highest entropy; learns them and the source.

    Before every round: the `count` rows of the highest H(p(x)) among those not asked for. Rows may be alike.

    Settings: `pretrain` 0.5; `count` 5 rows a round; `budget` 20 rows.

    Reference: Lewis and Gale, "A Sequential Algorithm for Training Text Classifiers", SIGIR 1994 (uncertainty
    sampling).
    """

    paper = "Lewis and Gale 1994"

    def choose(self, key, features, logits, free):
        return highest(entropies(logits), free, self.count)
