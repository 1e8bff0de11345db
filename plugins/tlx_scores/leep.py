"""LEEP: the log expected empirical prediction."""

import numpy as np

from tlx.score import Pair, Transferability


class LEEP(Transferability):
    """The mean log-likelihood of the target labels under the source model's labels as an expected predictor.

    theta(x) are a source model's class probabilities; P(y, z) = 1/N sum_i theta(x_i)_z [y_i = y];
    LEEP = 1/N sum_i log sum_z P(y_i | z) theta(x_i)_z. At most 0; higher is more transferable. The source model is a
    softmax regression on the source features.

    Reference: Nguyen, Hassner, Seeger, Archambeau, "LEEP", ICML 2020.
    """

    needs = "source, target"
    paper = "Nguyen et al. 2020"

    def score(self, pair: Pair) -> float:
        return leep(pair.probabilities, pair.target_y)


def leep(theta: np.ndarray, y: np.ndarray) -> float:
    """LEEP of source probabilities [N, K] and target labels [N]."""
    _, label = np.unique(y, return_inverse=True)
    joint = np.zeros((label.max() + 1, theta.shape[1]))
    np.add.at(joint, label, theta)
    given = joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)
    return float(np.log((given[label] * theta).sum(axis=1)).mean())
