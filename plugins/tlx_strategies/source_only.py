"""The baseline of every table."""

from tlx import Strategy, strategy
from tlx.blocks import supervised


@strategy
class SourceOnly(Strategy):
    """Trains on the labelled source and never sees the target: the baseline that gains are counted from.

    loss = task loss(source)
    """

    targets = ("classes", "real")

    def phases(self, model):
        return (supervised(model),)
