"""Deep domain confusion."""

from typing import Literal

from tlx import Additive, strategy
from tlx.ops import mean_distance, mmd_quadratic


@strategy
class DDC(Additive):
    """Aligns the features by a single-kernel MMD on one layer (deep domain confusion).

    loss = cross-entropy(source) + weight * |mean f(source) - mean f(target)|^2

    Settings: `weight` 0.25; `kernel`, "linear" (the equation above, the paper's) or "gaussian" (one Gaussian whose
    bandwidth is the mean squared distance: DDC as the DAN paper compares with it).

    Reference: Tzeng et al., "Deep Domain Confusion: Maximizing for Domain Invariance", arXiv 1412.3474, 2014.
    """

    paper = "Tzeng et al. 2014"
    targets = ("classes", "real")

    weight: float = 0.25
    kernel: Literal["linear", "gaussian"] = "linear"

    def transfer(self, model, state, outputs, batch, context):
        if self.kernel == "linear":
            gap = mean_distance(outputs.source, outputs.target)
        else:
            gap = mmd_quadratic(outputs.source, outputs.target, scales=(1.0,))
        return self.weight * gap, state, {"mmd": gap}
