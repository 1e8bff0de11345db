"""Strategies of one loss, cross-entropy on the source plus a term of their own, which compose by name: "dann+mcc"."""

from typing import NamedTuple

from tlx.contract import Batch, Context, Features, Logits, Metrics, Model, Scalar, State, Strategy
from tlx.ops import both_domains, cross_entropy


class Outputs(NamedTuple):
    """What one forward pass of both domains together gives, so that batch norm sees both."""

    source: Features
    target: Features
    source_logits: Logits
    target_logits: Logits


class Additive(Strategy):
    """Base of strategies that add a term to the task: write `transfer`.

    loss = cross-entropy(source) + transfer

    With batch norm the joint pass adapts by itself, so what a term adds shows beside its weight at 0, not beside
    `source_only`, which never sees the target.

    Composed ("dann+mcc"), the terms share one forward pass and one cross-entropy. Parameters and extras that `init`
    adds are each part's own, so two parts may use one name; what lies under "features" and "head" is shared.
    """

    def transfer(
        self, model: Model, state: State, outputs: Outputs, batch: Batch, context: Context
    ) -> tuple[Scalar, State, Metrics]:
        """The term, its weight included; the state, of which `extra` is kept; and metrics."""
        raise NotImplementedError(f"{type(self).__name__} does not define `transfer`")

    def loss(self, model: Model, state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
        source, target, state = both_domains(model, state, batch)
        source_logits, state = model.classify(state, source)
        target_logits, state = model.classify(state, target)
        outputs = Outputs(source, target, source_logits, target_logits)
        task = cross_entropy(outputs.source_logits, batch.source.y)
        term, state, metrics = self.transfer(model, state, outputs, batch, context)
        return task + term, state, {"task": task, **metrics}
