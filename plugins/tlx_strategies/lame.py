"""Laplacian adjusted maximum-likelihood estimation."""

import jax

from tlx import Strategy, strategy
from tlx.blocks import online, supervised
from tlx.ops import laplacian_adjusted, neighbour_affinity


@strategy
class LAME(Strategy):
    """Test time: corrects a batch's predictions so that neighbours in feature space agree; no parameter moves.

    min over z_i in the simplex of sum_i KL(z_i || p_i) - sum_ij w_ij z_i . z_j, by
    z_i <- softmax(log p_i + sum_j w_ij z_j); w_ij = 1 where j is among i's nearest neighbours by cosine

    Meant for streams whose classes come in runs; where each batch has all classes, little changes.

    Settings: `neighbours` 5; `iterations` 100, the authors' bound.

    Reference: Boudiaf et al., "Parameter-free Online Test-time Adaptation", CVPR 2022.
    """

    setting = "test-time"
    paper = "Boudiaf et al. 2022"

    neighbours: int = 5
    iterations: int = 100

    def phases(self, model):
        return supervised(model, name="source"), online()

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        log_p = jax.nn.log_softmax(model.classify(state, features, train=False)[0])
        return laplacian_adjusted(log_p, neighbour_affinity(features, self.neighbours), self.iterations)
