"""The bound of every table."""

from tlx import Strategy, strategy
from tlx.blocks import supervised


@strategy
class TargetOnly(Strategy):
    """Trains on the labelled target: the oracle bound, not an adaptation method.

    loss = task loss(labelled target)
    """

    setting = "bound"
    targets = ("classes", "real")

    def phases(self, model):
        return (supervised(model, "labelled"),)
