"""Maximum mean discrepancy between source and target features."""

import numpy as np

from tlx.score import Pair, Transferability


class MMD(Transferability):
    """Minus the squared maximum mean discrepancy of source and target; 0 where they are the same.

    MMD^2 = mean k(s, s') + mean k(t, t') - 2 mean k(s, t), k(a, b) = exp(-|a - b|^2 / m), m the mean of the squared
    distances of all pairs of different rows of both.

    Reference: Gretton et al., "A kernel two-sample test", JMLR 13, 2012.
    """

    needs = "source, target"
    paper = "Gretton et al. 2012"

    def score(self, pair: Pair) -> float:
        source, target = (np.asarray(x, np.float64) for x in pair.domains)
        both = np.concatenate([source, target])
        both -= both.mean(axis=0)  # less is lost to rounding below
        squares = (both**2).sum(axis=1)
        distances = np.maximum(squares[:, None] + squares - 2 * both @ both.T, 0)
        np.fill_diagonal(distances, 0)
        kernel = np.exp(-distances / (distances.sum() / (len(both) * (len(both) - 1)) or 1.0))
        split = len(source)
        return float(2 * kernel[:split, split:].mean() - kernel[:split, :split].mean() - kernel[split:, split:].mean())
