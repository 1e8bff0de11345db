"""What the strategies at test time share: the ordered phase, and predictions by a batch's own statistics."""

from fnmatch import fnmatchcase
from typing import Any, Literal

import jax
import jax.numpy as jnp

from tlx.contract import Features, Inputs, Logits, Loss, Model, Objective, Online, Phase, Running, State
from tlx.errors import ContractError
from tlx.ops.paths import path_of

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


def norms(features: Any, but: tuple[str, ...] = ()) -> Any:
    """Which of the backbone's parameters are a normalisation layer's, and fit no glob of `but`: a tree of bools."""

    def one(path: tuple[Any, ...], _: Any) -> bool:
        name = f"features/{path_of(path)}"
        return any(fnmatchcase(name, glob) for glob in NORM.split("|")) and not any(
            fnmatchcase(name, glob) for glob in but
        )

    return jax.tree_util.tree_map_with_path(one, features)


def by_batch(
    model: Model,
    state: State,
    x: Inputs,
    *,
    net: str = "features",
    head: str = "head",
    running: Running | None = None,
) -> Logits:
    """Logits with batch norm by the batch's own statistics, blended as `running` of `Model.features` says.

    A dense layer's statistics of one row are the row itself and 0: with a batch of one row, and no blend, what follows
    the last such layer is the same for all rows. `by_moved` has no such limit.
    """
    features, state = model.features(state, x, net=net, running=running)
    return model.classify(state, features, net=head, train=False)[0]


def check_statistics(state: State, net: str = "features") -> None:
    """Raises ContractError where a network carries no batch-norm statistics."""
    if not any(map(_is_float, jax.tree.leaves(state.stats[net]))):
        raise ContractError(f"network '{net}' has no batch-norm statistics, so none can follow the target's rows")


def by_moved(
    model: Model, state: State, x: Inputs, rate: Any, *, net: str = "features", running: Any = None
) -> tuple[Features, State]:
    """Features with batch norm by the running statistics as the batch moves them, and the state with these.

    running = (1 - rate) running + rate batch, whatever the momentum of the layers. `running` is how much of the running
    statistics it normalises by meanwhile (default: 1 - rate); with 0 the batch's own.

    Raises:
        ContractError: the network carries no batch-norm statistics.
    """
    check_statistics(state, net)
    blend = 1 - rate if running is None else running
    features, moved = model.features(state, x, net=net, running=lambda layer, channels: blend)
    # running <- m running + (1 - m) batch: from 0 and from 1 the two differ by m
    few = jax.tree.map(_first_two, x)
    zero, one = (model.features(_filled(state, net, value), few, net=net)[1].stats[net] for value in (0.0, 1.0))

    def follow(old: Any, new: Any, from_0: Any, from_1: Any) -> Any:
        return old + rate * (new - old) / (1 - (from_1 - from_0)) if _is_float(old) else new

    return features, state.put_stats(**{net: jax.tree.map(follow, state.stats[net], moved.stats[net], zero, one)})


def _first_two(leaf: Any) -> Any:
    return leaf[:2]


def _is_float(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def _filled(state: State, net: str, value: float) -> State:
    def fill(leaf: Any) -> Any:
        return 0 * leaf + value if _is_float(leaf) else leaf

    return state.put_stats(**{net: jax.tree.map(fill, state.stats[net])})
