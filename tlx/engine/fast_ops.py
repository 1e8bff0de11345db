"""The convolutions and max pools of any network, exchanged for those of `tlx.layers`.

A network is traced, and its equations are evaluated anew: in the place of a convolution or a maximum over windows comes
that of `tlx.layers`, or one kernel for a convolution with the bias, pooling and ReLU that follow it. So the layers of
flax and `jax.lax` itself are as fast as ours, and a backbone needs nothing of tlx.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core

from tlx import native
from tlx.layers import conv_general_dilated, max_pool

T = TypeVar("T")
CONV, POOL = "conv_general_dilated", "reduce_window_max"
NHWC = ("NHWC", "HWIO", "NHWC")
ALONE = (1, 1, (0, 0))  # window, stride and padding of an axis that is not pooled


class Fusion(NamedTuple):
    """A convolution and what goes with it; the last of `equations` has its output."""

    equations: tuple[Any, ...]
    bias: Any  # [O], or None
    pool: bool
    relu: bool


def with_fast_ops(call: Callable[[], T]) -> T:
    """What `call()` gives, a tree of arrays, by the fast operations; as it is where these are to be `portable`."""
    if native.is_portable():
        return call()
    closed, out = jax.make_jaxpr(call, return_shape=True)()
    return jax.tree.unflatten(jax.tree.structure(out), _evaluate(closed.jaxpr, closed.consts, ()))


def _evaluate(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    fusions = list(_fusions(jaxpr)) if native.available() else []
    last = {id(fusion.equations[-1]): fusion for fusion in fusions}
    inside = {id(equation) for fusion in fusions for equation in fusion.equations[:-1]}
    for equation in jaxpr.eqns:
        if id(equation) in inside:
            continue
        with equation.ctx.manager:
            fusion = last.get(id(equation))
            if fusion:
                x, w = map(read, fusion.equations[0].invars)
                out = [_fused(fusion, x, w, None if fusion.bias is None else read(fusion.bias))]
            else:
                out = _alone(equation, [read(atom) for atom in equation.invars])
        values.update(zip(equation.outvars, out, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _alone(equation: Any, args: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    if name == CONV:
        return [_conv(params, *args)]
    if name == POOL and (over := _windows(params)):
        return [_pool(over, *args)]
    if name == "jit" and _any_slow(params["jaxpr"].jaxpr):
        return _evaluate(params["jaxpr"].jaxpr, params["jaxpr"].consts, args)
    out = equation.primitive.bind(*args, **equation.primitive.get_bind_params(params))
    return list(out) if equation.primitive.multiple_results else [out]


def _any_slow(jaxpr: Any) -> bool:
    inner = (equation.params["jaxpr"].jaxpr for equation in jaxpr.eqns if equation.primitive.name == "jit")
    return any(equation.primitive.name in (CONV, POOL) for equation in jaxpr.eqns) or any(map(_any_slow, inner))


def _conv(params: dict[str, Any], x: jax.Array, w: jax.Array) -> jax.Array:
    names = ("feature_group_count", "batch_group_count", "precision", "preferred_element_type")
    strides, padding, left, right = (params[n] for n in ("window_strides", "padding", "lhs_dilation", "rhs_dilation"))
    more = {name: params[name] for name in names}
    if params["dimension_numbers"] == lax.conv_dimension_numbers((1,) * 3, (1,) * 3, ("NWC", "WIO", "NWC")):
        x, w, padding = x[:, None], w[None], ((0, 0), *padding)  # a series is an image of one row
        y = conv_general_dilated(x, w, (1, *strides), padding, (1, *left), (1, *right), NHWC, **more)
        return y[:, 0]
    return conv_general_dilated(x, w, strides, padding, left, right, params["dimension_numbers"], **more)


def _windows(params: dict[str, Any]) -> tuple[Any, Any, Any] | None:
    """Window, strides and padding over the rows and columns of [B, H, W, C] or the times of [B, T, C], else None."""
    window, strides, padding = (params[n] for n in ("window_dimensions", "window_strides", "padding"))
    holes = {*params["base_dilation"], *params["window_dilation"]} != {1}
    if len(window) not in (3, 4) or holes or any((window[i], strides[i], padding[i]) != ALONE for i in (0, -1)):
        return None
    return window[1:-1], strides[1:-1], padding[1:-1]


def _pool(over: tuple[Any, Any, Any], x: jax.Array) -> jax.Array:
    window, strides, padding = over
    if len(window) == 1:
        return _pool(((1, *window), (1, *strides), ((0, 0), *padding)), x[:, None])[:, 0]
    if any(map(any, padding)):
        around = [(0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0)]
        x = lax.pad(x, jnp.array(-jnp.inf, x.dtype), around)
    return max_pool(x, window, None if strides == window else strides)


def _fused(fusion: Fusion, x: jax.Array, w: jax.Array, b: jax.Array | None) -> jax.Array:
    params = fusion.equations[0].params
    strides, padding = params["window_strides"], params["padding"]
    if fusion.pool:
        return native.conv_pool(x, w, b, strides, padding, fusion.relu)
    return native.conv(x, w, b, strides, padding)


def _fusions(jaxpr: Any) -> Iterator[Fusion]:
    """Plain convolutions with their bias, and with 2x2 max pooling and ReLU, in either order, where these follow.

    What is in between is of no use to any other equation. A ReLU is left alone where no pooling is.
    """
    makers = {var: equation for equation in jaxpr.eqns for var in equation.outvars}
    readers: dict[Any, list[Any]] = {var: [None] for var in jaxpr.outvars if not isinstance(var, core.Literal)}
    for equation in jaxpr.eqns:
        for atom in equation.invars:
            if not isinstance(atom, core.Literal):
                readers.setdefault(atom, []).append(equation)

    def reader(equation: Any) -> Any:
        """The one equation that reads the output, or None."""
        every = readers.get(equation.outvars[0], [])
        return every[0] if len(every) == 1 else None

    for conv in jaxpr.eqns:
        if not _plain(conv):
            continue
        chain, bias = [conv], None
        if (follows := reader(conv)) and (bias := _bias(follows, conv.outvars[0], makers)) is not None:
            chain.append(follows)
        whole, relu, pool = list(chain), False, False
        while not pool and (follows := reader(whole[-1])) and (_halves(follows) or (_is_relu(follows) and not relu)):
            whole.append(follows)
            pool, relu = _halves(follows), relu or _is_relu(follows)
        if pool and not relu and (follows := reader(whole[-1])) and _is_relu(follows):
            whole.append(follows)
            relu = True
        if pool or len(chain) > 1:
            yield Fusion(tuple(whole if pool else chain), bias, pool, pool and relu)


def _plain(equation: Any) -> bool:
    """Whether it is a convolution that the kernel takes: float32 NHWC, neither dilated nor grouped."""
    if equation.primitive.name != CONV or any(atom.aval.dtype != jnp.float32 for atom in equation.invars):
        return False
    params = equation.params
    return (
        params["dimension_numbers"] == lax.conv_dimension_numbers((1,) * 4, (1,) * 4, NHWC)
        and {*params["lhs_dilation"], *params["rhs_dilation"]} == {1}
        and params["feature_group_count"] == params["batch_group_count"] == 1
    )


def _bias(equation: Any, y: Any, makers: dict[Any, Any]) -> Any:
    """What an equation adds to y along the last axis, [O], or None."""
    if equation.primitive.name not in ("add", "add_any"):
        return None
    other: Any = equation.invars[1] if equation.invars[0] is y else equation.invars[0]
    while not isinstance(other, core.Literal) and other.aval.ndim > 1:
        maker = makers.get(other)
        if maker is None or not _keeps_last_axis(maker, y.aval.shape[-1]):
            return None
        other = maker.invars[0]
    of: Any = other.aval
    is_bias = not isinstance(other, core.Literal) and of.shape == y.aval.shape[-1:] and of.dtype == jnp.float32
    return other if is_bias else None


def _keeps_last_axis(equation: Any, size: int) -> bool:
    """Whether it gives its argument, [..., size], more axes before the last."""
    before, after = equation.invars[0].aval, equation.outvars[0].aval
    if not before.shape or before.shape[-1] != size or after.shape[-1] != size:
        return False
    if equation.primitive.name == "reshape":
        return after.size == size
    return (
        equation.primitive.name == "broadcast_in_dim" and equation.params["broadcast_dimensions"][-1] == after.ndim - 1
    )


def _halves(equation: Any) -> bool:
    """Whether it is max pooling over 2x2 windows side by side."""
    return equation.primitive.name == POOL and _windows(equation.params) == ((2, 2), (2, 2), ((0, 0), (0, 0)))


def _is_relu(equation: Any) -> bool:
    """Whether it is `jax.nn.relu`: max(x, 0) with a gradient of its own, which is 0 at 0."""
    if equation.primitive.name != "custom_jvp_call":
        return False
    inner = equation.params["call_jaxpr"].jaxpr
    while len(inner.eqns) == 1 and inner.eqns[0].primitive.name == "jit":
        inner = inner.eqns[0].params["jaxpr"].jaxpr
    zeros = [atom.val for atom in inner.eqns[0].invars if isinstance(atom, core.Literal)] if inner.eqns else []
    return len(inner.eqns) == 1 and inner.eqns[0].primitive.name == "max" and zeros == [0]
