"""What the strategies at test time share: the ordered phase, and predictions by a batch's own statistics."""

from typing import Any, Literal

from tlx.contract import Inputs, Logits, Loss, Model, Objective, Online, Phase, Running, State

NORM = "features/*bn*/*|features/*[nN]orm*/*"
"""The normalisation layers of a backbone, as a group: modules with "bn" or "norm" in their names."""


def online(
    loss: Loss | None = None,
    trains: tuple[str, ...] = (),
    *,
    predict: Literal["before", "after"] = "after",
    **phase: Any,
) -> Phase:
    """The pass over the target test rows; `loss`, if there is one, goes down `trains` on each batch.

    `predict` says whether a batch is predicted before or after the step on it. Further arguments are those of `Phase`.
    """
    objectives = (Objective(loss, trains),) if loss else ()
    return Phase(objectives, name="test", sees=frozenset({"target"}), online=Online(predict), **phase)


def by_batch(
    model: Model,
    state: State,
    x: Inputs,
    *,
    net: str = "features",
    head: str = "head",
    running: Running | None = None,
) -> Logits:
    """Logits with batch norm by the batch's own statistics, blended as `running` of `Model.features` says."""
    features, state = model.features(state, x, net=net, running=running)
    return model.classify(state, features, net=head, train=False)[0]
