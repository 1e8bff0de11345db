"""A call of a kernel as a function of arrays that `jax.vmap` understands."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tlx.errors import ContractError
from tlx.native.library import require

FLOAT = np.dtype(np.float32)
BYTE = np.dtype(np.uint8)


def custom_vjp(*static: int) -> Callable[[Callable[..., Any]], Any]:
    """`jax.custom_vjp` for a function whose arguments at the places `static` are no arrays."""
    return functools.partial(jax.custom_vjp, nondiff_argnums=static)


def shaped(*shape: int, dtype: np.dtype = FLOAT) -> jax.ShapeDtypeStruct:
    """What a kernel is to return."""
    return jax.ShapeDtypeStruct(shape, dtype)


def call(
    target: str,
    out: jax.ShapeDtypeStruct | Sequence[jax.ShapeDtypeStruct],
    numbers: Sequence[int],
    rows: Sequence[bool],
) -> Callable[..., Any]:
    """The kernel `target` with results like `out`; `rows`: which arguments, and then all results, have a batch first.

    Under `jax.vmap`, mapped arguments of `rows` fold into the batch; are others mapped, it runs one by one.
    """
    require()
    attribute = np.array(numbers, np.int64)
    many = not isinstance(out, jax.ShapeDtypeStruct)
    shapes = out if not isinstance(out, jax.ShapeDtypeStruct) else [out]

    def run(*args: jax.Array) -> Any:
        batch = next((arg.shape[0] for arg, row in zip(args, rows, strict=True) if row), None)
        like = [shape if batch is None else shaped(batch, *shape.shape[1:], dtype=shape.dtype) for shape in shapes]
        results = jax.ffi.ffi_call(target, like, vmap_method="sequential")(*args, numbers=attribute)
        return tuple(results) if many else results[0]

    mapped = jax.custom_batching.custom_vmap(run)

    @mapped.def_vmap
    def _(size: int, is_mapped: Sequence[bool], *args: jax.Array):
        if all(row or not is_it for row, is_it in zip(rows, is_mapped, strict=True)):
            args = tuple(
                (arg if is_it else jnp.broadcast_to(arg[None], (size, *arg.shape))).reshape(-1, *arg.shape[is_it + 1 :])
                if row
                else arg
                for arg, row, is_it in zip(args, rows, is_mapped, strict=True)
            )
            y = jax.tree.map(lambda y: y.reshape(size, y.shape[0] // size, *y.shape[1:]), mapped(*args))
        else:

            def one(turn: Sequence[jax.Array]) -> Any:
                each = iter(turn)
                return mapped(*(next(each) if is_it else arg for arg, is_it in zip(args, is_mapped, strict=True)))

            y = lax.map(one, [arg for arg, is_it in zip(args, is_mapped, strict=True) if is_it])
        return y, jax.tree.map(lambda _: True, y)

    return mapped


def check(name: str, **arrays: tuple[jax.Array, int]) -> None:
    """Raises ContractError unless each array is float32 and has the rank that stands beside it."""
    for part, (array, rank) in arrays.items():
        if array.dtype != FLOAT or array.ndim != rank:
            got = f"{array.dtype}[{','.join(map(str, array.shape))}]"
            raise ContractError(f"{name}: {part} is {got}; expected float32 with {rank} axes.")


def check_kernel(name: str, x: jax.Array, w: jax.Array, channels: int, strides: Sequence[int]) -> None:
    """Raises ContractError unless w [R,S,channels,O] is a kernel for x, and the strides are two positive numbers."""
    check(name, x=(x, 4), w=(w, 4))
    if w.shape[2] != channels or 0 in w.shape:
        raise ContractError(
            f"{name}: w has the shape {w.shape}; expected [rows, columns, {channels}, outputs], no zero."
        )
    if len(strides) != 2 or min(strides) < 1:
        raise ContractError(f"{name}: strides are {tuple(strides)}; expected two positive numbers.")


def cropped(x: jax.Array, padding: Sequence[Sequence[int]]) -> tuple[jax.Array, tuple[int, int, int, int]]:
    """x less what negative padding takes, and the padding that is left: top, bottom, left, right."""
    sides = [(int(low), int(high)) for low, high in padding]
    if any(side < 0 for pair in sides for side in pair):
        take = [(0, 0, 0), *((min(low, 0), min(high, 0), 0) for low, high in sides), (0, 0, 0)]
        x = lax.pad(x, jnp.zeros((), x.dtype), take)
    (top, bottom), (left, right) = ((max(low, 0), max(high, 0)) for low, high in sides)
    return x, (top, bottom, left, right)


def outputs(x: Sequence[int], w: Sequence[int], at: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a convolution; `at`: strides, then the padding at the top, bottom, left and right."""
    rows = (x[1] + at[2] + at[3] - w[0]) // at[0] + 1
    columns = (x[2] + at[4] + at[5] - w[1]) // at[1] + 1
    return max(0, rows), max(0, columns)
