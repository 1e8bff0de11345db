"""What makes a backbone slow on the CPU, found in its program before it runs, with the remedy."""

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax

from tlx.contract import Model, State
from tlx.engine.devices import vectorised
from tlx.engine.model import ModelSpec, make_model
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
def warn_of_slow_ops(spec: ModelSpec) -> None:
    """Warns once per backbone and shape of operations with a slow gradient on the CPU; elsewhere of nothing."""
    if vectorised():
        return
    model = make_model(spec)
    state = jax.eval_shape(model.init, jax.random.key(0))
    x = jax.eval_shape(spec.shapes.example)
    present = set(_primitives(jax.make_jaxpr(_logits(model))(state, x).jaxpr))
    for primitive, remedy in REMEDIES.items():
        if primitive in present:
            warnings.warn(f"backbone {spec.name} is slow on the CPU: it has {remedy}", SlowWarning, stacklevel=3)


def _logits(model: Model) -> Callable[[State, Any], jax.Array]:
    return lambda state, x: model.classify(state, model.features(state, x)[0])[0]


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
