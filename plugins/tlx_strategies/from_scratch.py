"""What a pretrained net is measured against."""

from tlx import Strategy, strategy
from tlx.blocks import supervised


@strategy
class FromScratch(Strategy):
    """Trains on the labelled target from random weights, whatever weights are given.

    loss = cross-entropy(labelled target)

    Settings: `augment`, whether images are seen under the recipe's weak augmentation.
    """

    setting = "bound"
    needs = "labelled"

    augment: bool = False

    def phases(self, model):
        def begin(state, context):
            fresh = model.init(context.key)
            return state._replace(params={**state.params, **fresh.params}, extra={**state.extra, **fresh.extra})

        return (supervised(model, "labelled", augment=self.augment, begin=begin),)
