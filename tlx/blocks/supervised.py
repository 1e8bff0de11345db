"""The phases that train on labels, which many strategies begin with."""

from collections.abc import Callable
from typing import Any

from tlx.contract import Context, Model, Objective, Phase, State
from tlx.ops import cross_entropy


def supervised(
    model: Model,
    field: str = "source",
    trains: tuple[str, ...] = ("*",),
    frozen: bool = False,
    smoothing: float = 0.0,
    augment: bool = False,
    term: Callable | None = None,
    running: Callable | None = None,
    **phase: Any,
) -> Phase:
    """A phase that takes cross-entropy on `field` ("source" or "labelled") down the groups in `trains`.

    `frozen` runs the features in eval mode; `augment` shows images under the recipe's weak augmentation.
    `term(state, features, batch)` gives a scalar to add and its metrics; `running(context)` is the blend of statistics
    of `Model.features`. Further arguments are those of `Phase`.
    """

    def loss(state, batch, context):
        rows = getattr(batch, field)
        how = {"running": running(context)} if running else {}
        x = model.augment(context.key, rows.x, "weak") if augment else rows.x
        features, state = model.features(state, x, train=not frozen, **how)
        logits, state = model.classify(state, features)
        task = cross_entropy(logits, rows.y, smoothing)
        if term is None:
            return task, state, {}
        value, metrics = term(state, features, batch)
        return task + value, state, {"task": task, **metrics}

    return Phase((Objective(loss, trains),), sees=frozenset({field}), **phase)


def new_head(model: Model) -> Callable[[State, Context], State]:
    """A phase's `begin` that starts the classifier anew."""
    return lambda state, context: model.with_head(state, context.key)


def pretrained(model: Model, share: float) -> tuple[Phase, ...]:
    """The phase "source", of some share of the steps; none of share 0, to start from the weights that are given."""
    return (supervised(model, name="source", share=share),) if share else ()


def fine_tuned(model: Model, pretrain: float, rate: Any, **target: Any) -> tuple[Phase, ...]:
    """`pretrained`, and a phase "target" with a new head and `supervised`'s further arguments."""
    target = {"begin": new_head(model), **target}
    return (
        *pretrained(model, pretrain),
        supervised(model, "labelled", name="target", share=1 - pretrain, rate=rate, **target),
    )
