"""What a pretrained net is measured against."""

from tlx import Strategy, strategy
from tlx.blocks import fresh_parts, supervised


@strategy
class FromScratch(Strategy):
    """Trains on the labelled target from random weights, whatever weights are given.

    loss = task loss(labelled target)

    Settings: `augment`, whether images are seen under the recipe's weak augmentation.
    """

    setting = "bound"
    targets = ("classes", "real")

    augment: bool = False

    def phases(self, model):
        return (supervised(model, "labelled", augment=self.augment, begin=fresh_parts(model, ("*",))),)
