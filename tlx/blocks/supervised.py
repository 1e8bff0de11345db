"""The phases that train on labels, which many strategies begin with."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jaxtyping import Array

from tlx.contract import Batch, Context, Metrics, Model, Objective, Phase, Running, Scalar, State

Term = Callable[[State, Mapping[str, Array], Batch], tuple[Scalar, Metrics]]


def supervised(
    model: Model,
    field: str = "source",
    trains: tuple[str, ...] = ("*",),
    *,
    frozen: bool = False,
    smoothing: float = 0.0,
    augment: bool = False,
    term: Term | None = None,
    taps: tuple[str, ...] = (),
    running: Callable[[Context], Running] | None = None,
    **phase: Any,
) -> Phase:
    """A phase that takes the task's loss on `field` ("source" or "labelled") down the groups in `trains`.

    `frozen` runs the features in eval mode; `augment` shows rows under the recipe's weak augmentation; without it they
    are shown under the recipe's view of the field's name, if it has one.
    `term(state, seen, batch)` gives a scalar to add and its metrics; `seen` has the outputs of the modules in `taps`
    and of "features". `running(context)` is the blend of statistics of `Model.features`. Further arguments are those of
    `Phase`.
    """
    view = "weak" if augment else field

    def loss(state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
        rows = getattr(batch, field)
        view_key, key = jax.random.split(context.key)
        x = model.augment(view_key, rows.x, view) if augment or view in model.views else rows.x
        blend = running(context._replace(key=key)) if running else None
        if taps:
            features, seen, state = model.features(state, x, train=not frozen, running=blend, taps=taps)
        else:
            (features, state), seen = model.features(state, x, train=not frozen, running=blend), {}
        outputs, state = model.classify(state, features)
        task = model.task_loss(outputs, rows.y, smoothing)
        if term is None:
            return task, state, {}
        value, metrics = term(state, {**seen, "features": features}, batch)
        return task + value, state, {"task": task, **metrics}

    return Phase((Objective(loss, trains),), sees=frozenset({field}), **phase)


def new_head(model: Model) -> Callable[[State, Context], State]:
    """A phase's `begin` that draws the classifier anew."""
    return lambda state, context: model.renew(state, context.key, "head")


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
