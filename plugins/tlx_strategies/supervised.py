"""The phases that train on labels, which many strategies begin with."""

from tlx import Model, Objective, Phase
from tlx.ops import cross_entropy


def supervised(
    model: Model,
    field: str = "source",
    trains: tuple[str, ...] = ("*",),
    frozen: bool = False,
    smoothing: float = 0.0,
    **phase,
) -> Phase:
    """A phase that takes cross-entropy on `field` ("source" or "labelled") down the groups in `trains`.

    `frozen` runs the features in eval mode. Further arguments are those of `Phase`.
    """

    def loss(state, batch, context):
        rows = getattr(batch, field)
        features, state = model.features(state, rows.x, train=not frozen)
        logits, state = model.classify(state, features)
        return cross_entropy(logits, rows.y, smoothing), state, {}

    return Phase((Objective(loss, trains),), sees=frozenset({field}), **phase)
