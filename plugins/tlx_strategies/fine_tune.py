"""Transfer by fine-tuning."""

from typing import Literal

from tlx import Strategy, static, strategy
from tlx.blocks import fresh_parts, pretrained, tuned


@strategy
class FineTune(Strategy):
    """Trains on the source, then goes on from there on the labelled target, with all groups or some.

    Settings: `pretrain`, the share of the steps on the source, 0 to start from the weights that are given, and without
    a source; `rate`, the learning rate on the target as a multiple of the recipe's. What moves there: `trains`, "*" for
    all, "head", "last,head" for the last dense layer ("fc": the bottleneck's, where there is one) and the head, or
    globs ("features/layer4/*,head"); or `last` k > 0, the last k stages and the head. `gradual` moves the head first,
    and then one more stage at a time, from the last (Howard and Ruder 2018). `decay`: a stage's rate is multiplied by
    decay^depth, the head being at depth 0 (Clark et al. 2020). `norm` "frozen": the features run in eval mode,
    so batch norm keeps its statistics, and nothing is dropped out. `reinit`, globs of what is drawn anew before
    ("features/fc*,head/*"); `augment`, whether target images are seen under the recipe's weak augmentation.

    Reference: Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014.
    """

    setting = "fine-tuning"
    paper = "Yosinski et al. 2014"
    targets = ("classes", "real")
    groups = {"last": "features/fc/*"}

    pretrain: float = static(0.5)
    rate: float = 0.1
    trains: tuple[str, ...] = ("*",)
    last: int = 0
    gradual: bool = False
    decay: float = 1.0
    norm: Literal["train", "frozen"] = "train"
    reinit: tuple[str, ...] = ()
    augment: bool = False

    def phases(self, model):
        return *pretrained(model, self.pretrain), *tuned(
            model,
            share=1 - self.pretrain,
            rate=self.rate,
            trains=self.trains,
            last=self.last,
            gradual=self.gradual,
            decay=self.decay,
            norm=self.norm,
            augment=self.augment,
            begin=fresh_parts(model, self.reinit),
        )
