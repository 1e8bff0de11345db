"""Active learning by margin."""

import jax

from tlx import strategy
from tlx.blocks import Active
from tlx.ops import highest, margins


@strategy
class ActiveMargin(Active):
    """Asks for the labels of the target rows whose two best classes are the nearest; learns them and the source.

    Before every round: the `count` rows of the lowest p_1(x) - p_2(x) among those not asked for, p_1 and p_2 the two
    highest probabilities of a row.

    Settings: `pretrain` 0.5; `count` 5 rows a round; `budget` 20 rows.

    Reference: Scheffer, Decomain, Wrobel, "Active Hidden Markov Models for Information Extraction", IDA 2001.
    """

    paper = "Scheffer et al. 2001"

    def choose(self, key, features, logits, free):
        return highest(-margins(jax.nn.softmax(logits)), free, self.count)
