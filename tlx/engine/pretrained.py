"""A run's first state from given weights: a backbone's, and the classifier's where it has the same size.

Weights are arguments of the compiled program that makes the first states, never constants in it, so that other weights
of the same shapes compile nothing.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import State
from tlx.engine.groups import Flat
from tlx.engine.model import ModelSpec, PureModel, make_model, module_of
from tlx.engine.saved import plain
from tlx.ops.paths import by_path
from tlx.weights.match import REST, Report, match

log = logging.getLogger("tlx")

PREFIXES = {"params/features/": "", "stats/features/": "", "params/head/": "head/", "stats/head/": "head/"}


def places(state: State, bottleneck: bool) -> dict[str, str]:
    """{path of a weight: path in the state}, of all floats: "stem/conv/kernel", "head/bias", "bottleneck/fc/kernel"."""
    out = {}
    for full, leaf in by_path(state).items():
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            continue  # keys and counters
        for prefix, name in PREFIXES.items():
            if full.startswith(prefix):
                path = full.removeprefix(prefix)
                if not name and bottleneck:
                    path = path.removeprefix("backbone/") if path.startswith("backbone/") else f"bottleneck/{path}"
                out[name + path] = full
    return out


def match_weights(spec: ModelSpec, tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Report]:
    """The weights that a run of this spec starts from, by path, and what is started anew.

    Raises:
        WeightsError: tensors are missing, unexpected, of another shape, or not finite; the message names them.
    """
    model = make_model(spec)
    blank = jax.eval_shape(model.init, jax.random.key(0))
    flat = by_path(blank)
    shapes = {path: flat[full].shape for path, full in places(blank, spec.bottleneck > 0).items()}
    kind: Any = type(module_of(spec))
    adapt = getattr(kind, "adapt", None)
    return match(
        tensors,
        shapes,
        getattr(kind, "weights", {}),
        adapt=None if adapt is None else lambda tensors: adapt(tensors, spec.seen),
        name=f"backbone {kind.__name__}",
    )


def stack_weights(spec: ModelSpec, tensors: Sequence[Mapping[str, np.ndarray]]) -> Flat:
    """The weights of every seed, with a leading axis of seeds. Logs a warning for what starts anew."""
    sources = {id(each): each for each in tensors}  # seeds may share one source
    matched = {key: match_weights(spec, each) for key, each in sources.items()}
    for anew in {report.reinitialised for _, report in matched.values()} - {()}:
        log.warning("the weights have another size or lack them, so these start anew: %s", ", ".join(anew))
    if others := sorted({name for each in sources.values() for name in _others(each)}):
        log.warning(
            "of the weights, backbone and classifier are taken; these of the strategy are not: %s", ", ".join(others)
        )
    every = [matched[id(each)][0] for each in tensors]
    return {path: jnp.stack([one[path] for one in every]) for path in every[0]}


def pretrained(model: PureModel, weights: Flat) -> PureModel:
    """The model whose `init` gives states with the weights of one seed in them."""
    if not weights:
        return model
    blank = jax.eval_shape(model.init, jax.random.key(0))
    where = places(blank, model.spec.bottleneck > 0)
    return dataclasses.replace(model, weights={where[path]: value for path, value in weights.items()})


def names(state: State, bottleneck: bool) -> dict[str, str]:
    """{name: path in the state} of every leaf: `places`, and what no later run starts from as "state/PATH"."""
    first = places(state, bottleneck)
    taken = set(first.values())
    return first | {f"{REST}{full}": full for full in by_path(state) if full not in taken}


def weights_of(spec: ModelSpec, state: State) -> dict[str, np.ndarray]:
    """The whole of one seed's state by `names`: a later run takes backbone and classifier, `tlx.load` all of it."""
    flat = by_path(state)
    return {name: plain(flat[full]) for name, full in names(state, spec.bottleneck > 0).items()}


def _others(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """The networks and loose parameters of a saved state besides backbone and classifier."""
    prefix = f"{REST}params/"
    groups = {name.removeprefix(prefix).split("/")[0] for name in tensors if name.startswith(prefix)}
    return sorted(groups - {"features", "head"})
