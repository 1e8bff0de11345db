"""H-score: how much of the features' variation lies between classes."""

import numpy as np

from tlx.score import Pair, Transferability
from tlx_scores.spectrum import left_spectrum


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
        left, _ = left_spectrum(centred)
        # the class means are P X with P the projection that averages over a class, so
        # tr(pinv(X'X) X'P X) = |P U|^2, U the left singular vectors of X: no D x D matrix is inverted
        sums = [left[pair.target_y == label].sum(axis=0) for label in np.unique(pair.target_y)]
        counts = np.unique(pair.target_y, return_counts=True)[1]
        return float(sum((total**2).sum() / count for total, count in zip(sums, counts, strict=True)))
