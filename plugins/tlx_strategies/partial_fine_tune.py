"""Fine-tuning of the last layers alone, from weights that are given."""

from typing import Literal

from tlx import Strategy, strategy
from tlx.blocks import new_head, tuned


@strategy
class PartialFineTune(Strategy):
    """Fine-tunes the last stages and a new head on the labelled target, and leaves what lies before as it is.

    Settings: `last`, how many stages; `rate`, `decay`, `norm` and `augment` as for `fine_tune`.

    Reference: Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014.
    """

    setting = "fine-tuning"
    paper = "Yosinski et al. 2014"
    targets = ("classes", "real")

    last: int = 2
    rate: float = 1.0
    decay: float = 1.0
    norm: Literal["train", "frozen"] = "frozen"
    augment: bool = False

    def phases(self, model):
        return tuned(
            model,
            share=1.0,
            rate=self.rate,
            last=self.last,
            decay=self.decay,
            norm=self.norm,
            augment=self.augment,
            begin=new_head(model),
        )
