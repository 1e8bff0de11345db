"""Batch spectral shrinkage."""

from tlx import Strategy, static, strategy
from tlx.blocks import fine_tuned
from tlx.ops import spectral_shrinkage


@strategy
class BSS(Strategy):
    """Fine-tunes on the labelled target and shrinks the smallest singular values of the batch's features.

    loss = task loss(labelled target) + eta * sum_{i <= k} sigma_{-i}^2, sigma_{-i} the i-th smallest

    It keeps small spectral components, which transfer badly, from growing. The head begins anew.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the second phase's learning rate as a multiple
    of the first's; `eta` 0.001; `k` 1.

    Reference: Chen et al., "Catastrophic Forgetting Meets Negative Transfer: Batch Spectral Shrinkage for Safe Transfer
    Learning", NeurIPS 2019.
    """

    setting = "fine-tuning"
    paper = "Chen et al. 2019"
    targets = ("classes", "real")

    pretrain: float = static(0.5)
    rate: float = 1.0
    eta: float = 0.001
    k: int = 1

    def phases(self, model):
        def term(state, seen, batch):
            shrinkage = spectral_shrinkage(seen["features"], self.k)
            return self.eta * shrinkage, {"shrinkage": shrinkage}

        return fine_tuned(model, self.pretrain, self.rate, term=term)
