"""Fine-tuning held near its starting point."""

from typing import Literal

from tlx import Strategy, static, strategy
from tlx.blocks import new_head, pretrained, tuned
from tlx.ops import weighted_distance


@strategy
class L2SP(Strategy):
    """Fine-tunes on the labelled target with the features drawn to the weights they began with, the head to zero.

    loss = task loss(labelled target) + alpha / 2 |w - w_start|^2 (features) + beta / 2 |w|^2 (head)

    Use a recipe without weight decay: it would pull to zero as well. The head begins anew.

    Settings: `pretrain`, the share of the steps on the source, 0 to start from the weights that are given; `rate`, the
    learning rate on the target as a multiple of the recipe's; `alpha` 0.1 and `beta` 0.01 (the paper searches alpha
    from 0.001 to 1); `last`, `decay`, `norm` and `augment` as for `fine_tune`.

    Reference: Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    """

    setting = "fine-tuning"
    paper = "Li et al. 2018"
    targets = ("classes", "real")

    pretrain: float = static(0.5)
    rate: float = 1.0
    alpha: float = 0.1
    beta: float = 0.01
    last: int = 0
    decay: float = 1.0
    norm: Literal["train", "frozen"] = "train"
    augment: bool = False

    def phases(self, model):
        def begin(state, context):
            return new_head(model)(state, context).put(origin=state.params["features"])

        def term(state, seen, batch):
            away = weighted_distance(state.params["features"], state.extra["origin"])
            head = weighted_distance(state.params["head"])
            return self.alpha / 2 * away + self.beta / 2 * head, {"away": away}

        return *pretrained(model, self.pretrain), *tuned(
            model,
            share=1 - self.pretrain,
            rate=self.rate,
            last=self.last,
            decay=self.decay,
            norm=self.norm,
            augment=self.augment,
            term=term,
            begin=begin,
        )
