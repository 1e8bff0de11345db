"""H-score: how much of the features' variation lies between classes."""

import numpy as np

from tlx.score import Pair, Transferability


class HScore(Transferability):
    """The trace of the covariance between classes in the metric of the whole covariance.

    H = tr(cov(f)^-1 cov(E[f | y])), with the pseudo-inverse. From 0 to C - 1; higher is more transferable. With a
    width of N - 1 or more it is C - 1 for any features, and says nothing: give it more rows.

    Reference: Bao et al., "An information-theoretic approach to transferability in task transfer learning", ICIP 2019.
    """

    paper = "Bao et al. 2019"

    def score(self, pair: Pair) -> float:
        features = np.asarray(pair.target, np.float64)
        centred = features - features.mean(axis=0)
        means = np.empty_like(centred)
        for label in np.unique(pair.target_y):
            own = pair.target_y == label
            means[own] = centred[own].mean(axis=0)
        # tr(pinv(X'X) M'M) = |M X^+|^2 = |M V / s|^2: no D x D matrix is inverted
        _, values, right = np.linalg.svd(centred, full_matrices=False)
        kept = values > values.max() * 1e-6
        return float((((means @ right[kept].T) / values[kept]) ** 2).sum())
