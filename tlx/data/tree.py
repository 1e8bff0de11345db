"""Trees of arrays without JAX: one array, or dicts and tuples of them. All arrays of a tree have one leading axis."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Inputs = Any
"""One array [N, ...], or a dict or tuple of such trees."""


def leaves(tree: Inputs) -> list[np.ndarray]:
    """The arrays of a tree, in JAX's order: a dict's by its sorted keys."""
    return [leaf for _, leaf in paths(tree)]


def paths(tree: Inputs, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Each array of a tree with its path: "" of one array, "left/0" of a tuple in a dict."""
    if isinstance(tree, dict):
        items = [(str(key), tree[key]) for key in sorted(tree)]
    elif isinstance(tree, tuple):
        items = [(str(place), item) for place, item in enumerate(tree)]
    else:
        yield prefix, tree
        return
    for key, item in items:
        yield from paths(item, f"{prefix}/{key}" if prefix else key)


def map_leaves(function: Callable[..., Any], tree: Inputs, *others: Inputs) -> Inputs:
    """The tree of `function(leaf, *leaves of the others at the same place)`."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, tree[key], *(other[key] for other in others)) for key in sorted(tree)}
    if isinstance(tree, tuple):
        return tuple(map_leaves(function, *items) for items in zip(tree, *others, strict=True))
    return function(tree, *others)


def row_count(tree: Inputs) -> int:
    """The number of rows N."""
    return len(leaves(tree)[0])


def take(tree: Inputs, rows: Any) -> Inputs:
    """The tree of these rows: a slice, a mask or numbers."""
    return map_leaves(lambda leaf: leaf[rows], tree)
