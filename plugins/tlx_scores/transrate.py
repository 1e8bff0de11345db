"""TransRate: the mutual information of features and labels, by coding rates."""

import numpy as np

from tlx.score import Pair, Transferability

EPSILON = 1e-4


class TransRate(Transferability):
    """The coding rate of the features less that of the features of each class.

    TrR = R(Z) - sum_c N_c / N R(Z_c), R(Z) = 1/2 log det(I + Z'Z / (N eps)), Z centred over all rows, eps = 1e-4, and
    Z scaled to a mean squared length of one, so that backbones of other scales compare. Higher is more transferable.

    The authors' listing and TLLib weigh classes 1 / C, and do not scale Z; the paper's equation weighs them N_c / N.
    balanced classes the two are equal; with classes as 1 to 100 they give, on one scale, 9.90 and 3.56.

    Reference: Huang et al., "Frustratingly easy transferability estimation", ICML 2022.
    """

    paper = "Huang et al. 2022"

    def score(self, pair: Pair) -> float:
        centred = np.asarray(pair.target, np.float64) - pair.target.mean(axis=0)
        centred /= np.sqrt((centred**2).sum(axis=1).mean()) or 1.0
        parts = [centred[pair.target_y == label] for label in np.unique(pair.target_y)]
        return rate(centred) - sum(len(part) / len(centred) * rate(part) for part in parts)


def rate(features: np.ndarray) -> float:
    """R(Z), from the smaller of Z'Z and ZZ', which have the same determinant here."""
    rows, width = features.shape
    product = features.T @ features if width <= rows else features @ features.T
    return float(0.5 * np.linalg.slogdet(np.eye(len(product)) + product / (rows * EPSILON))[1])
