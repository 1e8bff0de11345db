"""Transfer by fine-tuning."""

from tlx import Strategy, strategy
from tlx_strategies.supervised import supervised


@strategy
class FineTune(Strategy):
    """Trains on the source, then goes on from there on the labelled target, with all groups or some.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the second phase's learning rate as a multiple
    of the first's; `trains`, the groups that the second phase moves: "*" for all, "head", or
    "last,head" for the last dense layer ("fc": the bottleneck's, where there is one) and the head.

    Reference: Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014.
    """

    setting = "fine-tuning"
    needs = "source, labelled"
    paper = "Yosinski et al. 2014"
    groups = {"last": "features/fc/*"}

    pretrain: float = 0.5
    rate: float = 0.1
    trains: tuple[str, ...] = ("*",)

    def phases(self, model):
        source = supervised(model, name="source", share=self.pretrain)
        target = supervised(model, "labelled", self.trains, name="target", share=1 - self.pretrain, rate=self.rate)
        return source, target
