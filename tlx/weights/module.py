"""Weights into a module of flax NNX."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from tlx.weights.match import Report, match


def load(
    module: nnx.Module,
    tensors: Mapping[str, np.ndarray],
    kind: str | None,
    shape: tuple[int, int, int] | None,
    strict: bool,
) -> Report:
    """See `tlx.weights.load`."""
    places = {"/".join(map(str, path)): leaf for path, leaf in nnx.iter_graph(module) if _floats(leaf)}
    shapes = {path: leaf.shape for path, leaf in places.items()}
    name = type(module).__name__
    adapt = getattr(type(module), "adapt", None)
    adapted = None if adapt is None or shape is None else lambda found: adapt(found, shape)
    maps = getattr(type(module), "weights", {})
    filled, report = match(tensors, shapes, maps, kind=kind, adapt=adapted, name=name, strict=strict)
    for path, value in filled.items():
        places[path][...] = jnp.asarray(value)
    return report


def _floats(leaf: Any) -> bool:
    return isinstance(leaf, nnx.Variable) and jnp.issubdtype(leaf.dtype, jnp.floating)
