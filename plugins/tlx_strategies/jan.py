"""Joint adaptation network."""

from typing import Literal

import jax

from tlx import Additive, strategy
from tlx.ops import jmmd_linear, jmmd_quadratic

ESTIMATORS = {"quadratic": jmmd_quadratic, "linear": jmmd_linear}


@strategy
class JAN(Additive):
    """Aligns the joint distribution of features and predictions: MMD with the product of their kernels (JMMD).

    loss = cross-entropy(source) + weight * JMMD^2((f, softmax)(source), (f, softmax)(target))

    TLLib's estimators differ as those of `mmd` do: its quadratic one is unbiased, its linear one takes n overlapping
    quadruples.

    Settings: `weight`; `estimator`, "quadratic" (all pairs, biased) or "linear" (the paper's unbiased estimate);
    `sigma`, the bandwidth on predictions, 0.92 as in TLLib; on features the five kernels of DAN.

    Reference: Long et al., "Deep Transfer Learning with Joint Adaptation Networks", ICML 2017.
    """

    paper = "Long et al. 2017"

    weight: float = 1.0
    estimator: Literal["quadratic", "linear"] = "quadratic"
    sigma: float = 0.92

    def transfer(self, model, state, outputs, batch, context):
        source_p, target_p = jax.nn.softmax(outputs.source_logits), jax.nn.softmax(outputs.target_logits)
        gap = ESTIMATORS[self.estimator](outputs.source, outputs.target, source_p, target_p, sigma=self.sigma)
        return self.weight * gap, state, {"jmmd": gap}
