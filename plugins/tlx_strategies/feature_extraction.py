"""Transfer by frozen features."""

from tlx import Strategy, strategy
from tlx_strategies.supervised import new_head, supervised


@strategy
class FeatureExtraction(Strategy):
    """Trains on the source, freezes the features, and trains a new head on the labelled target.

    In the second phase the features run in eval mode, so batch-norm statistics stay the source's too.

    Settings: `pretrain`, the share of the steps on the source.

    Reference: Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014.
    """

    setting = "fine-tuning"
    needs = "source, labelled"
    paper = "Yosinski et al. 2014"

    pretrain: float = 0.5

    def phases(self, model):
        source = supervised(model, name="source", share=self.pretrain)
        target = supervised(
            model,
            "labelled",
            trains=("head",),
            frozen=True,
            name="target",
            share=1 - self.pretrain,
            begin=new_head(model),
        )
        return source, target
