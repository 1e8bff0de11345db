"""The leaves of a tree by path, "features/conv1/kernel"."""

from collections.abc import Mapping
from typing import Any

import jax

Path = tuple[Any, ...]  # of JAX's own keys


def path_of(path: Path) -> str:
    """The path of a leaf, parts joined by "/": "features/conv1/kernel"."""
    return "/".join(_part(key) for key in path)


def _part(key: Any) -> str:
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)


def by_path(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by path."""
    leaves: list[tuple[Path, Any]] = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {path_of(path): leaf for path, leaf in leaves}


def with_leaves(tree: Any, leaves: Mapping[str, Any]) -> Any:
    """The tree with the leaves at these paths replaced."""

    def choose(path: Path, leaf: Any) -> Any:
        return leaves.get(path_of(path), leaf)

    return jax.tree_util.tree_map_with_path(choose, tree)
