"""Maximum mean discrepancy (DAN)."""

from typing import Literal

from tlx import Additive, strategy
from tlx.ops import mmd_linear, mmd_quadratic

ESTIMATORS = {"quadratic": mmd_quadratic, "linear": mmd_linear}


@strategy
class MMD(Additive):
    """Aligns the features' distributions in the kernel space of five Gaussians (DAN).

    loss = cross-entropy(source) + weight * MMD^2(f(source), f(target)), bandwidths 2^k times the mean squared distance,
    k = -3..1

    On the features alone and with kernels of equal weight; the paper aligns several layers and learns the weights.

    TLLib's DAN has other estimators. Its quadratic one is unbiased. Its linear one takes n overlapping quadruples where
    this takes n/2 independent ones, as the paper does, and is less noisy: see `tlx.ops.mmd_linear`.

    Settings: `weight`; `estimator`, "quadratic" (all pairs, biased) or "linear" (the paper's unbiased estimate).

    Reference: Long et al., "Learning Transferable Features with Deep Adaptation Networks", ICML 2015.
    """

    paper = "Long et al. 2015"
    targets = ("classes", "real")

    weight: float = 1.0
    estimator: Literal["quadratic", "linear"] = "quadratic"

    def transfer(self, model, state, outputs, batch, context):
        gap = ESTIMATORS[self.estimator](outputs.source, outputs.target)
        return self.weight * gap, state, {"mmd": gap}
