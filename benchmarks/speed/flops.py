"""Floating-point operations of a program, counted in its jaxpr: twice the products of its GEMMs and convolutions."""

import math
from typing import Any


def count(jaxpr: Any) -> int:
    """The FLOPs of a closed jaxpr; a scan counts once per turn, other loops once."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            total += _dot(equation)
        elif equation.primitive.name == "conv_general_dilated":
            total += _conv(equation)
        turns = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += turns * sum(count(inner) for inner in _inner(equation.params))
    return total


def _dot(equation: Any) -> int:
    (contract, _), _ = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    return 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[axis] for axis in contract)


def _conv(equation: Any) -> int:
    """Products with an image's own values: those with padding, or with the holes of a dilation, are not counted."""
    left, kernel = (invar.aval.shape for invar in equation.invars)
    params = equation.params
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    out = equation.outvars[0].aval.shape
    pairs = out[out_spec[0]] * out[out_spec[1]] * kernel[rhs_spec[1]]
    spatial = zip(
        lhs_spec[2:],
        rhs_spec[2:],
        out_spec[2:],
        params["window_strides"],
        params["padding"],
        params["lhs_dilation"],
        params["rhs_dilation"],
        strict=True,
    )
    for axis, tap, position, stride, (low, _), hole, spread in spatial:
        size = (left[axis] - 1) * hole + 1
        at = [p * stride + k * spread - low for p in range(out[position]) for k in range(kernel[tap])]
        pairs *= sum(0 <= place < size and place % hole == 0 for place in at)
    return 2 * pairs // params["batch_group_count"]


def _inner(params: Any):
    for value in params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            item = getattr(item, "jaxpr", item)
            if hasattr(item, "eqns"):
                yield item
