"""Compiled programs over several seeds, kept by what shapes them, with the time that compiling took."""

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.engine.devices import cores, memory, vectorised


def run(
    function: Callable, static: tuple, shared: tuple, mapped: tuple, donate: bool = False, mesh: Mesh | None = None
) -> tuple[Any, float]:
    """`function(*static, *shared, *mapped)` for every seed, and the seconds spent compiling.

    `mapped` arguments have a leading axis of seeds. On accelerators all seeds run under `vmap`, or, where the program
    would not fit the device's memory, as many at a time as do. On the CPU, where batched convolutions are slow and
    small operations keep one core only, one program for a single seed is compiled, and as many seeds as there are cores
    run it side by side. The first mapped argument's buffers are reused if `donate`. Over a `mesh` of devices, seeds are
    divided along its axis "seeds".
    """
    vmap = vectorised()
    if mesh is not None:
        shared = jax.device_put(shared, NamedSharding(mesh, PartitionSpec()))
        mapped = jax.device_put(mapped, NamedSharding(mesh, PartitionSpec("seeds")))
    each = [mapped] if vmap else _unstacked(mapped)
    leaves, treedef = jax.tree.flatten((*shared, *each[0]))
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for leaf in leaves)
    begun = time.perf_counter()
    at_once = len(jax.tree.leaves(mapped)[0]) if vmap else 0
    program = _compiled(function, static, len(shared), treedef, shapes, donate, at_once, mesh)
    while at_once > 1 and mesh is None and _bytes(program) > memory():
        at_once = (at_once + 1) // 2
        program = _compiled(function, static, len(shared), treedef, shapes, donate, at_once, mesh)
    seconds = time.perf_counter() - begun
    if vmap:
        return program(*shared, *mapped), seconds
    with ThreadPoolExecutor(cores()) as pool:
        results = list(pool.map(lambda one: jax.block_until_ready(program(*shared, *one)), each))
    return jax.tree.map(lambda *parts: jnp.stack(parts), *results), seconds


def _bytes(program: Any) -> int:
    """What a compiled program takes of the device's memory, its arguments and results included."""
    sizes = program.memory_analysis()
    if sizes is None:
        return 0
    taken = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    return taken - sizes.alias_size_in_bytes


def _unstacked(mapped: tuple) -> list[tuple]:
    leaves, treedef = jax.tree.flatten(mapped)
    return [treedef.unflatten(one) for one in zip(*leaves, strict=True)]


@functools.lru_cache(maxsize=128)
def _compiled(
    function: Callable,
    static: tuple,
    shared: int,
    treedef: Any,
    shapes: tuple,
    donate: bool,
    at_once: int,
    mesh: Mesh | None,
) -> Any:
    """The program of one seed (`at_once` 0), or of all under `vmap`, `at_once` at a time."""

    def program(*args):
        fixed, mapped = args[:shared], args[shared:]
        one = functools.partial(function, *static, *fixed)
        if not at_once:
            return one(*mapped)
        if at_once < len(jax.tree.leaves(mapped)[0]):
            return jax.lax.map(lambda each: one(*each), mapped, batch_size=at_once)
        return jax.vmap(one, spmd_axis_name="seeds" if mesh else None)(*mapped)

    donated = (shared,) if donate else ()
    return jax.jit(program, donate_argnums=donated).lower(*treedef.unflatten(shapes)).compile()
