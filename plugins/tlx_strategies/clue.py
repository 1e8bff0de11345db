"""Clustering uncertainty-weighted embeddings."""

from tlx import strategy
from tlx.blocks import Active
from tlx.ops import central_rows, entropies


@strategy
class CLUE(Active):
    """Asks for the labels of target rows in the middle of clusters of uncertain features; learns them and the source.

    Before every round: `count` clusters of f(x) by k-means, each row weighted by H(softmax(logits / T)), among those
    not asked for; of each cluster the row nearest to the centroid. The authors train by minimax entropy (`mme`).

    Settings: `pretrain` 0.5; `count` 5 rows a round; `budget` 20 rows; `temperature` T 1 (their digits; 0.1 on
    DomainNet).

    Reference: Prabhu et al., "Active Domain Adaptation via Clustering Uncertainty-weighted Embeddings", ICCV 2021.
    """

    paper = "Prabhu et al. 2021"

    temperature: float = 1.0

    def choose(self, key, features, logits, free):
        return central_rows(key, features, entropies(logits / self.temperature), free, self.count)
