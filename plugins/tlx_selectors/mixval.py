"""The evaluation that keeps its predictions of target images when others are mixed into them."""

import numpy as np

from tlx.score import Evidence, Selector


class MixVal(Selector):
    """The evaluation that predicts most mixed target images as the image that makes up more than half of each.

    x = 0.55 a + 0.45 b; score = the mean of two accuracies of the prediction of x against that of a: over the pairs
    predicted as one class, and over those predicted as two. Of one kind of pair alone it is that accuracy.

    A few hundred random pairs, the same at every evaluation; the pixels are rounded to 8 bits. Reference: Hu et al.,
    Mixed Samples as Probes for Unsupervised Model Selection in Domain Adaptation, NeurIPS 2023.
    """

    uses_features = True

    def score(self, evidence: Evidence) -> float:
        assert evidence.sample
        first, second = evidence.sample.target_logits.argmax(axis=1)[evidence.sample.mixed_rows].T
        kept = evidence.sample.mixed_logits.argmax(axis=1) == first
        parts = [kept[first == second], kept[first != second]]
        return float(np.mean([part.mean() for part in parts if len(part)]))
