"""A final correction for the target's class shares."""

from typing import Literal

from tlx import ContractError, strategy
from tlx.blocks import Wrapper, estimate_weights, no_shift, shift_corrected, shift_estimation


@strategy
class RW(Wrapper):
    """Corrects the final classifier by estimated class shares of the target; around any strategy: `dann+rs+rw`.

    p_target(c | x) ~ w_c p(c | x), w as in `rlls`, `bbse` or `mlls`, from source validation rows and target rows

    The estimates count on p(x | y) being about equal in both domains, which what is wrapped has to bring about. Alone
    it corrects training on the source.

    Settings: `estimator`; `calibration` on the validation rows ("bcts", "vector", "temperature", "none").

    Reference: Garg et al., "RLSbench: Domain Adaptation Under Relaxed Label Shift", ICML 2023 (re-weighting).
    """

    paper = "Garg et al. 2023"
    spaces = ("closed", "partial")

    estimator: Literal["rlls", "bbse", "mlls"] = "rlls"
    calibration: Literal["bcts", "vector", "temperature", "none"] = "bcts"

    def extras(self, model):
        return no_shift(model)

    def around(self, model, phases, predict):
        if any(phase.online for phase in phases):
            raise ContractError("strategy rw: it corrects a final classifier, and a test-time strategy has none")

        def estimate(held, y, target):
            return estimate_weights(self.estimator, held, y, target)

        return *phases, shift_estimation(model, predict, estimate, self.calibration)

    def corrected(self, state, logits):
        return shift_corrected(state, logits)
