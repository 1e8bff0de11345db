"""The leaves of a tree by path, "features/conv1/kernel"."""

from typing import Any

import jax

from tlx.ops.paths import path_of  # pyright: ignore[reportUnknownVariableType]  # a path is a tuple of JAX's own keys


def by_path(tree: Any) -> dict[str, Any]:
    """The leaves of a tree of dicts by path."""
    leaves: dict[str, Any] = {}

    def note(path: Any, leaf: Any) -> None:
        leaves[path_of(path)] = leaf

    jax.tree_util.tree_map_with_path(note, tree)
    return leaves


def with_leaves(tree: Any, leaves: dict[str, Any]) -> Any:
    """The tree with the leaves at these paths replaced."""

    def choose(path: Any, leaf: Any) -> Any:
        return leaves.get(path_of(path), leaf)

    return jax.tree_util.tree_map_with_path(choose, tree)
