"""Frechet distance between source and target features."""

import numpy as np

from tlx.score import Pair, Transferability


class Frechet(Transferability):
    """Minus the squared Frechet distance of source and target, as Gaussians; 0 where mean and covariance are the same.

    d^2 = |mu_s - mu_t|^2 + tr(S_s + S_t - 2 (S_s S_t)^1/2)

    Reference: Dowson, Landau, "The Frechet distance between multivariate normal distributions", J. Multivariate
    Analysis 12, 1982; of features: Heusel et al., NIPS 2017.
    """

    needs = "source, target"
    paper = "Dowson and Landau 1982"

    def score(self, pair: Pair) -> float:
        source, target = (np.asarray(x, np.float64) for x in pair.domains)
        gap = ((source.mean(axis=0) - target.mean(axis=0)) ** 2).sum()
        # S = R'R, X = QR centred and scaled; tr (S_s S_t)^1/2 is the sum of the singular values of R_s R_t'
        centred = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (source, target)]
        left, right = (np.asarray(np.linalg.qr(x, mode="r")) for x in centred)
        cross = np.linalg.svd(left @ right.T, compute_uv=False).sum()
        return float(2 * cross - gap - (left**2).sum() - (right**2).sum())
