"""Maximum-likelihood label shift."""

from tlx import strategy
from tlx.blocks import LabelShift, estimate_weights


@strategy
class MLLS(LabelShift):
    """Label shift: corrects calibrated predictions by the class shares of largest likelihood on the target, by EM.

    q = argmax over q of mean_i log sum_c p(c | x_i) q_c / p_c, p_c the mean prediction on source validation rows;
    p_target(c | x) ~ p(c | x) q_c / p_c

    Settings: `calibration` on the validation rows: "bcts" (temperature and a bias for each class; the paper's),
    "vector", "temperature", or "none" (Saerens et al. 2002).

    Reference: Alexandari, Kundaje, Shrikumar, "Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at
    Label Shift Adaptation", ICML 2020.
    """

    paper = "Alexandari et al. 2020"

    def estimate(self, held, y, target):
        return estimate_weights("mlls", held, y, target)
