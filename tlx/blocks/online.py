"""What the strategies at test time share: the ordered phase, and predictions by a batch's own statistics."""

from collections.abc import Callable

from tlx.contract import Images, Logits, Model, Objective, Phase, State

NORM = "features/*bn*/*"


def online(loss: Callable | None = None, trains: tuple[str, ...] = (), **phase) -> Phase:
    """The pass over the target test images; `loss`, if there is one, goes down `trains` on each batch."""
    objectives = (Objective(loss, trains),) if loss else ()
    return Phase(objectives, name="test", sees=frozenset({"target"}), online=True, **phase)


def by_batch(model: Model, state: State, x: Images, **how) -> Logits:
    """Logits with batch norm by the batch's own statistics; further arguments are those of `model.features`."""
    features, _ = model.features(state, x, train=True, **how)
    return model.logits(state, features)
