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
    kernel = equation.invars[1].aval.shape
    out_axis = equation.params["dimension_numbers"].rhs_spec[0]
    dilated = math.prod(equation.params["lhs_dilation"])
    products = math.prod(equation.outvars[0].aval.shape) * math.prod(kernel) // kernel[out_axis]
    return 2 * products // dilated // equation.params["batch_group_count"]


def _inner(params: Any):
    for value in params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            item = getattr(item, "jaxpr", item)
            if hasattr(item, "eqns"):
                yield item
