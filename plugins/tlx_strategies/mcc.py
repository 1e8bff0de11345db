"""Minimum class confusion."""

from tlx import Additive, strategy
from tlx.ops import class_confusion


@strategy
class MCC(Additive):
    """Makes predictions on the target confuse no class with another; no domain is aligned.

    loss = cross-entropy(source) + weight * sum_{j != k} C_jk / classes, C the normalised class correlation of
    the target batch's predictions at temperature T, rows weighted by certainty

    Settings: `weight` 1; `temperature` 2.5.

    Reference: Jin et al., "Minimum Class Confusion for Versatile Domain Adaptation", ECCV 2020.
    """

    paper = "Jin et al. 2020"

    weight: float = 1.0
    temperature: float = 2.5

    def transfer(self, model, state, outputs, batch, context):
        confusion = class_confusion(outputs.target_logits, self.temperature)
        return self.weight * confusion, state, {"confusion": confusion}
