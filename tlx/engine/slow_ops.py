"""What makes a backbone slow on the CPU, found in its program before it runs, with the remedy."""

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from tlx.contract import Model, State
from tlx.engine.devices import vectorised
from tlx.engine.model import Frame, make_model
from tlx.errors import SlowWarning

REMEDIES = {
    "reduce_window_max": (
        "max pooling over windows (`nnx.max_pool`), whose gradient takes about fifteen times as long as "
        "`tlx.layers.max_pool`; use that where windows lie side by side"
    ),
    "conv_general_dilated": (
        "a convolution that is not an `nnx.Conv`, or is dilated, or grouped and not depthwise, whose gradient in a "
        "loop keeps to one core; `tlx.layers.conv_general_dilated` takes the same arguments and is fast elsewhere"
    ),
}


@functools.lru_cache(maxsize=128)
def warn_of_traps(frame: Frame) -> None:
    """Warns once per backbone and image shape of operations with a slow gradient on the CPU; elsewhere of nothing."""
    if vectorised():
        return
    model = make_model(frame)
    state = jax.eval_shape(model.init, jax.random.key(0))
    images = jax.ShapeDtypeStruct((2, *frame.shape), jnp.float32)
    found = set(_primitives(jax.make_jaxpr(_logits(model))(state, images).jaxpr))
    name = getattr(frame.backbone, "__name__", str(frame.backbone))
    for primitive, remedy in REMEDIES.items():
        if primitive in found:
            warnings.warn(f"backbone {name} is slow on the CPU: it has {remedy}", SlowWarning, stacklevel=3)


def _logits(model: Model) -> Callable[[State, jax.Array], jax.Array]:
    return lambda state, x: model.logits(state, model.features(state, x)[0])


def _primitives(jaxpr: Any) -> Iterator[str]:
    """The names of all primitives, but for those inside an operation that brings a gradient of its own."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        if equation.primitive.name == "custom_vjp_call":
            continue
        for value in equation.params.values():
            for part in value if isinstance(value, (tuple, list)) else (value,):
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    yield from _primitives(inner)
