"""NCE: the negative conditional entropy of the target labels."""

import numpy as np

from tlx.score import Pair, Transferability


class NCE(Transferability):
    """Minus the entropy of the target labels given the source model's labels of the same rows.

    z_i is the class that a source model gives to x_i; NCE = sum_yz P(y, z) log (P(y, z) / P(z)), P being the
    empirical frequencies. At most 0; higher is more transferable. The source model is that of `leep`.

    Reference: Tran, Nguyen, Hassner, "Transferability and hardness of supervised classification tasks", ICCV 2019.
    """

    needs = "source, target"
    paper = "Tran et al. 2019"

    def score(self, pair: Pair) -> float:
        return nce(pair.probabilities.argmax(axis=1), pair.target_y)


def nce(z: np.ndarray, y: np.ndarray) -> float:
    """-H(y | z) in nats."""
    _, rows = np.unique(y, return_inverse=True)
    _, columns = np.unique(z, return_inverse=True)
    joint = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(joint, (rows, columns), 1 / len(y))
    given = joint / joint.sum(axis=0)
    return float((joint[joint > 0] * np.log(given[joint > 0])).sum())
