"""A run's first state from given weights: a backbone's, and the classifier's where it has the same size.

Weights are arguments of the compiled program that makes the first states, never constants in it, so that other weights
of the same shapes compile nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tlx.contract import Key, Model, State
from tlx.engine.groups import Flat, flatten, replace
from tlx.engine.head import HEADS
from tlx.engine.model import Frame, make_model
from tlx.weights.match import Report, fit

log = logging.getLogger("tlx")

FEATURES = ("params/features/", "extra/features/")
HEAD = ("params/head/", f"extra/{HEADS}/head/")


def places(state: State, bottleneck: bool) -> dict[str, str]:
    """{path of a weight: path in the state}, of all floats: "stem/conv/kernel", "head/bias", "bottleneck/fc/kernel"."""
    out = {}
    for full, leaf in flatten(state).items():
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            continue  # keys and counters
        for prefix in (*FEATURES, *HEAD):
            if full.startswith(prefix):
                path = full.removeprefix(prefix)
                if prefix in HEAD:
                    path = f"head/{path}"
                elif bottleneck:
                    path = path.removeprefix("backbone/") if path.startswith("backbone/") else f"bottleneck/{path}"
                out[path] = full
    return out


def fitted(frame: Frame, tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Report]:
    """The weights that a run of this frame starts from, by path, and what is started anew.

    Raises:
        WeightsError: tensors are missing, unexpected, of another shape, or not finite; the message names them.
    """
    model = make_model(frame)
    blank = jax.eval_shape(model.init, jax.random.key(0))
    flat = flatten(blank)
    shapes = {path: flat[full].shape for path, full in places(blank, frame.bottleneck > 0).items()}
    kind: Any = type(nnx.eval_shape(lambda: frame.backbone(frame.seen, nnx.Rngs(0))))
    adapt = getattr(kind, "adapt", None)
    return fit(
        tensors,
        shapes,
        getattr(kind, "weights", {}),
        adapt=None if adapt is None else lambda found: adapt(found, frame.seen),
        name=f"backbone {kind.__name__}",
    )


def stacked(frame: Frame, tensors: Sequence[Mapping[str, np.ndarray]]) -> Flat:
    """The weights of every seed, with a leading axis of seeds; what is started anew is told in the log."""
    found = {id(each): each for each in tensors}  # seeds may share one source
    ready = {key: fitted(frame, each) for key, each in found.items()}
    for anew in {report.reinitialised for _, report in ready.values()} - {()}:
        log.warning("the weights have another size or lack them, so these start anew: %s", ", ".join(anew))
    every = [ready[id(each)][0] for each in tensors]
    return {path: jnp.stack([one[path] for one in every]) for path in every[0]}


def pretrained(model: Model, frame: Frame, weights: Flat) -> Model:
    """The model whose `init` gives states with the weights of one seed in them."""
    if not weights:
        return model

    def init(key: Key) -> State:
        state = model.init(key)
        where = places(state, frame.bottleneck > 0)
        return replace(state, {where[path]: value for path, value in weights.items()})

    return model._replace(init=init)


def weights_of(frame: Frame, state: State) -> dict[str, np.ndarray]:
    """The weights of one seed's state by path, as a later run takes them; groups that a strategy added stay out."""
    flat = flatten(state)
    return {path: np.asarray(flat[full]) for path, full in places(state, frame.bottleneck > 0).items()}
