"""Strategies of one loss, the task's on the source plus a term of their own, which compose by name: "dann+mcc"."""

from typing import NamedTuple

from tlx.blocks.both_domains import Norm, both_domains, with_source_norm
from tlx.contract import (
    Batch,
    Context,
    Features,
    Inputs,
    Logits,
    Metrics,
    Model,
    Phase,
    Scalar,
    State,
    Strategy,
    strategy,
)


class Outputs(NamedTuple):
    """What the forward pass of both domains gives."""

    source: Features
    target: Features
    source_logits: Logits
    target_logits: Logits


@strategy
class Additive(Strategy):
    """Base of strategies that add a term to the task: write `transfer`.

    loss = task loss(source) + transfer; the task loss is cross-entropy, or the squared error of real numbers

    With batch norm the joint pass adapts by itself, so what a term adds shows beside its weight at 0, not beside
    `source_only`, which never sees the target.

    Composed ("dann+mcc"), the terms share one forward pass and one task loss. Networks, parameters and extras that
    `init` adds are each part's own, so two parts may use one name; "features" and "head" are shared.

    Settings: `norm`, how batch norm sees the domains: "joint" (one pass), "separate" (two passes) or "domain" (two
    passes, each domain with its own batch norm; Chang et al. 2019). See `tlx.blocks.both_domains`.
    """

    norm: Norm = "joint"

    def phases(self, model: Model) -> tuple[Phase, ...]:
        def begin(state: State, context: Context) -> State:
            return with_source_norm(state, self.norm)

        (phase,) = super().phases(model)
        return (phase._replace(begin=begin),)

    def transfer(
        self, model: Model, state: State, outputs: Outputs, batch: Batch, context: Context
    ) -> tuple[Scalar, State, Metrics]:
        """The term, its weight included; the state, of which `stats` and `extra` are kept; and metrics."""
        raise NotImplementedError(f"{type(self).__name__} does not define `transfer`")

    def scored(self, model: Model, state: State, features: Features, logits: Logits) -> Logits:
        """What is scored [B, outputs], of the classifier's logits: a part may take a row for unknown."""
        return logits

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        features, _ = model.features(state, x, train=False)
        logits, _ = model.classify(state, features, train=False)
        return self.scored(model, state, features, logits)

    def loss(self, model: Model, state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
        source, target, state = both_domains(model, state, batch, self.norm)
        source_logits, state = model.classify(state, source)
        target_logits, state = model.classify(state, target)
        task = model.task_loss(source_logits, batch.source.y)
        outputs = Outputs(source, target, source_logits, target_logits)
        term, state, metrics = self.transfer(model, state, outputs, batch, context)
        return task + term, state, {"task": task, **metrics}
