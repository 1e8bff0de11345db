"""The evaluation whose matrix of predictions on the target has the largest nuclear norm."""

import numpy as np
from scipy.special import softmax

from tlx.score import Evidence, Selector


class BNM(Selector):
    """The evaluation with the highest nuclear norm of the target's predictions: certain and diverse at once.

    score = ||P||_* / N, P the class probabilities [N, classes]: the sum of its singular values.

    Over all rows at once, not batch by batch. Reference: Cui et al., Towards Discriminability and Diversity, CVPR 2020;
    as a validator Musgrave et al., Benchmarking Validation Methods for Unsupervised Domain Adaptation, 2022.
    """

    def score(self, evidence: Evidence) -> float:
        logits = evidence.target_logits.astype(np.float64)
        if not np.isfinite(logits).all():
            return np.nan
        return float(np.linalg.norm(softmax(logits, axis=1), "nuc") / len(logits))
