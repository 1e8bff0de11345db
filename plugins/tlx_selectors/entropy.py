"""The evaluation whose predictions on the target are most certain."""

import numpy as np
from scipy.special import log_softmax

from tlx.score import Evidence, Selector


class Entropy(Selector):
    """The evaluation with the lowest mean entropy of its predictions on the target.

    score = mean_i sum_c p_ic log p_ic. One that puts every row into one class looks perfect.

    skada's `PredictionEntropyScorer` takes the mean over classes too: its score is 1 / classes of this one, in the same
    order.

    Reference: Morerio et al., Minimal-Entropy Correlation Alignment for Unsupervised Deep Domain Adaptation, ICLR 2018.
    """

    def score(self, evidence: Evidence) -> float:
        log_p = log_softmax(evidence.target_logits.astype(np.float64), axis=1)
        return float((np.exp(log_p) * log_p).sum(axis=1).mean())
