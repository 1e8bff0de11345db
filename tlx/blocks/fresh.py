"""Parts of a network begun anew."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax

from tlx.contract import State
from tlx.errors import SettingError
from tlx.ops.paths import path_of


def with_fresh(state: State, fresh: State, globs: Sequence[str]) -> State:
    """`state` with the parameters, and what is carried beside them, of `fresh` wherever a glob fits the path.

    Paths are like "features/conv1/kernel"; those of batch-norm statistics begin with the group too.

    Raises:
        SettingError: a glob that fits no parameter.
    """
    paths = [path_of(path) for path, _ in jax.tree_util.tree_leaves_with_path(state.params)]
    for glob in globs:
        if not any(fnmatchcase(path, glob) for path in paths):
            raise SettingError(f"'{glob}' fits no parameter of this backbone; expected a glob over {', '.join(paths)}")

    def chosen(path: tuple, old: Any, new: Any) -> Any:
        return new if any(fnmatchcase(path_of(path), glob) for glob in globs) else old

    params = {**state.params, **_merged(chosen, state.params, fresh.params)}
    return State(params, {**state.extra, **_merged(chosen, state.extra, fresh.extra)})


def _merged(chosen: Any, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Of the entries that both have: a strategy may have added some."""
    both = [name for name in old if name in new]
    trees = ({name: tree[name] for name in both} for tree in (old, new))
    return jax.tree_util.tree_map_with_path(chosen, *trees)
