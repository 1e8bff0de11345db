"""Fine-tuning held near its starting point."""

from tlx import Strategy, strategy
from tlx.ops import weighted_distance
from tlx_strategies.supervised import fine_tuned, new_head


@strategy
class L2SP(Strategy):
    """Fine-tunes on the labelled target with the features' weights drawn towards the source's, and the head's to zero.

    loss = cross-entropy(labelled target) + alpha / 2 |w - w_source|^2 (features) + beta / 2 |w|^2 (head)

    Use a recipe without weight decay: it would pull to zero as well. The head begins anew.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the second phase's learning rate as a multiple
    of the first's; `alpha` 0.1 and `beta` 0.01 (the paper searches alpha from 0.001 to 1).

    Reference: Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    """

    setting = "fine-tuning"
    needs = "source, labelled"
    paper = "Li et al. 2018"

    pretrain: float = 0.5
    rate: float = 1.0
    alpha: float = 0.1
    beta: float = 0.01

    def phases(self, model):
        def begin(state, context):
            extra = {**state.extra, "origin": state.params["features"]}
            return new_head(model)(state, context)._replace(extra=extra)

        def term(state, features, batch):
            away = weighted_distance(state.params["features"], state.extra["origin"])
            head = weighted_distance(state.params["head"])
            return self.alpha / 2 * away + self.beta / 2 * head, {"away": away}

        return fine_tuned(model, self.pretrain, self.rate, term=term, begin=begin)
