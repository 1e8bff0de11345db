"""Importance-weighted validation with the weights as a control variate (deep embedded validation)."""

import numpy as np

from tlx.score import Evidence, Selector


class DEV(Selector):
    """The evaluation with the lowest importance-weighted source error, after its variance is reduced.

    risk = mean(w l) + eta mean(w) - eta, eta = -cov(w l, w) / var(w); score = -risk. w is the density ratio target /
    source in the features, l the 0-1 loss on held-out source images (of real targets, the squared
    error).

    The domain classifier is a logistic regression with one penalty, where the authors choose a perceptron's. On a few
    hundred rows, not all. Reference: You et al., Towards Accurate Model Selection in Deep Unsupervised Domain
    Adaptation, ICML 2019.
    """

    uses_features = True
    targets = ("classes", "real")

    def score(self, evidence: Evidence) -> float:
        assert evidence.sample
        weights = evidence.sample.weights
        weighted = weights * evidence.sample.val_losses
        (_, shared), (_, spread) = np.cov(weighted, weights)
        eta = -shared / spread if spread > 0 else 0.0
        return -float(weighted.mean() + eta * weights.mean() - eta)
