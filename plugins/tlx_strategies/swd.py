"""Sliced Wasserstein discrepancy."""

import jax

from tlx import strategy
from tlx.ops import random_directions, sliced_wasserstein
from tlx_strategies.mcd import MCD


@strategy
class SWD(MCD):
    """Two classifiers as in MCD, with the sliced Wasserstein distance of their predictions as the gap between them.

    gap = the mean over random unit directions d of W_2^2(P_1 d, P_2 d), P_1 and P_2 [B, classes] the heads' softmax on
    the target; the three objectives of a step are MCD's

    Settings: MCD's `weight` and `num_k`; `projections` 128.

    Reference: Lee et al., "Sliced Wasserstein Discrepancy for Unsupervised Domain Adaptation", CVPR 2019.
    """

    setting = "unsupervised"
    paper = "Lee et al. 2019"

    projections: int = 128

    def gap(self, first, second, key):
        directions = random_directions(key, first.shape[1], self.projections)
        return sliced_wasserstein(jax.nn.softmax(first), jax.nn.softmax(second), directions)
