"""Batch active learning by diverse gradient embeddings."""

import jax

from tlx import strategy
from tlx.blocks import Active
from tlx.ops import spread_rows


@strategy
class BADGE(Active):
    """Asks for the labels of target rows that would move the last layer far and in different ways; learns them too.

    Before every round: `count` rows by the seeding of k-means++ on g(x) = (p(x) - onehot argmax p(x)) (x) f(x), among
    those not asked for.

    Settings: `pretrain` 0.5; `count` 5 rows a round; `budget` 20 rows.

    Reference: Ash et al., "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds", ICLR 2020.
    """

    paper = "Ash et al. 2020"

    def choose(self, key, features, logits, free):
        return spread_rows(key, features, jax.nn.softmax(logits), free, self.count)
