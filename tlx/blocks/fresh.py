"""Parts of a network begun anew."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax

from tlx.contract import Key, Model, State
from tlx.errors import SettingError
from tlx.ops.paths import by_path, with_leaves


def with_fresh(model: Model, state: State, key: Key, globs: Sequence[str]) -> State:
    """The state with the parameters, and what is carried beside them, drawn anew wherever a glob fits the path.

    Paths are like "features/conv1/kernel"; those of batch-norm statistics begin with the network's name too.

    Raises:
        SettingError: a glob that fits no parameter.
        ContractError: a glob that fits a parameter of no network.
    """

    def choose(tree: dict[str, Any]) -> dict[str, Any]:
        return {path: leaf for path, leaf in by_path(tree).items() if any(fnmatchcase(path, glob) for glob in globs)}

    paths = by_path(state.params)
    for glob in globs:
        if not any(fnmatchcase(path, glob) for path in paths):
            raise SettingError(f"'{glob}' fits no parameter of this backbone; expected a glob over {', '.join(paths)}")
    names = sorted({path.split("/")[0] for path in choose(state.params)})
    fresh = state
    for number, name in enumerate(names):
        fresh = model.renew(fresh, jax.random.fold_in(key, number), name)
    params, stats, _ = (with_leaves(old, choose(new)) for old, new in zip(state, fresh, strict=True))
    return State(params, stats, state.extra)
