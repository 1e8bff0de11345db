"""Regularised learning under label shifts."""

from tlx import strategy
from tlx.blocks import LabelShift, estimate_weights


@strategy
class RLLS(LabelShift):
    """Label shift: as `bbse`, with the weights held near 1 by as much as the confusion matrix is uncertain.

    w = 1 + theta, theta = argmin over theta >= -1 of |C theta - (q - C 1)| + rho |theta|; C, q as in `bbse`; rho falls
    with the root of the number of validation rows (`tlx.ops.rlls_strength`)

    The paper learns the source once more, its rows weighted by w; here, as in Alexandari et al. (ICML 2020), the
    posterior is corrected.

    Settings: those of `bbse`.

    Reference: Azizzadenesheli et al., "Regularized Learning for Domain Adaptation under Label Shifts", ICLR 2019.
    """

    paper = "Azizzadenesheli et al. 2019"

    soft: bool = True

    def estimate(self, held, y, target):
        return estimate_weights("rlls", held, y, target, self.soft)
