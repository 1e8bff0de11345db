"""Black-box shift estimation."""

from tlx import strategy
from tlx.blocks import LabelShift, estimate_weights


@strategy
class BBSE(LabelShift):
    """Label shift: corrects the source classifier's predictions by weights that solve its confusion matrix.

    p_target(c | x) ~ w_c p(c | x), C w = q, C[i, j] = p(predicted i, labelled j) on source validation rows,
    q[i] = p(predicted i) on the target; negative weights are 0

    The paper learns the source once more, its rows weighted by w; here, as in Alexandari et al. (ICML 2020), the
    posterior is corrected. Predictions and labels of the target must have changed by their classes' shares alone.

    Settings: `soft`, C and q of probabilities, or of hard predictions; `calibration` on the validation rows, "none" in
    the paper, "temperature", "bcts" (with a bias for each class) or "vector".

    Reference: Lipton, Wang, Smola, "Detecting and Correcting for Label Shift with Black Box Predictors", ICML 2018.
    """

    paper = "Lipton et al. 2018"

    soft: bool = True

    def estimate(self, held, y, target):
        return estimate_weights("bbse", held, y, target, self.soft)
