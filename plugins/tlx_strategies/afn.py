"""Adaptive feature norm."""

from typing import Literal

from tlx import Additive, strategy
from tlx.ops import hard_norm, stepwise_norm


@strategy
class AFN(Additive):
    """Lengthens the feature vectors of both domains, as short ones are those that do not transfer.

    loss = cross-entropy(source) + weight * (L(f(source)) + L(f(target))),
    L = mean (|f_i| - (|f_i|* + step))^2, * without a gradient ("stepwise"), or (mean |f_i| - radius)^2 ("hard")

    Settings: `weight` 0.05; `variant`; `step` 1 (TLLib: 0.1 to 0.3 on digits); `radius` 25. TLLib adds the target's
    entropy: "afn+entropy_min".

    Reference: Xu et al., "Larger Norm More Transferable: An Adaptive Feature Norm Approach for Unsupervised Domain
    Adaptation", ICCV 2019.
    """

    paper = "Xu et al. 2019"
    targets = ("classes", "real")

    weight: float = 0.05
    variant: Literal["stepwise", "hard"] = "stepwise"
    step: float = 1.0
    radius: float = 25.0

    def transfer(self, model, state, outputs, batch, context):
        def loss(features):
            stepwise = self.variant == "stepwise"
            return stepwise_norm(features, self.step) if stepwise else hard_norm(features, self.radius)

        norm = loss(outputs.source) + loss(outputs.target)
        return self.weight * norm, state, {"norm": norm}
