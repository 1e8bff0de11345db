"""Compiled programs over several runs, kept by what shapes them, with the time that compiling took."""

import contextlib
import functools
import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.engine.devices import cores, memory, vectorised


def run(
    function: Callable,
    static: tuple,
    shared: tuple,
    mapped: tuple,
    donate: bool = False,
    mesh: Mesh | None = None,
    varied: int = 0,
) -> tuple[Any, float]:
    """`function(*static, *shared, *mapped)` for every run, and the seconds spent compiling.

    `mapped` arguments have a leading axis of runs, which are seeds, or points of a grid by seeds; the first `varied` of
    the `shared` ones have it too. On accelerators all runs go under `vmap`, or, where the program would not fit the
    device's memory, as many at a time as do. On the CPU, where batched convolutions are slow and small operations keep
    one core only, one program for a single run is compiled, and as many runs as there are cores go side by side. The
    first mapped argument's buffers are reused if `donate`. Over a `mesh` of devices, runs are divided along its axis
    "seeds".
    """
    vmap = vectorised()
    varying, fixed = shared[:varied], shared[varied:]
    if mesh is not None:
        fixed = jax.device_put(fixed, NamedSharding(mesh, PartitionSpec()))
        varying, mapped = jax.device_put((varying, mapped), NamedSharding(mesh, PartitionSpec("seeds")))
    each = [(varying, mapped)] if vmap else _unstacked((varying, mapped))
    leaves, treedef = jax.tree.flatten((*each[0][0], *fixed, *each[0][1]))
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for leaf in leaves)
    begun = time.perf_counter()
    at_once, varied = (len(jax.tree.leaves(mapped)[0]), varied) if vmap else (0, 0)
    program = _compiled(function, static, len(shared), treedef, shapes, donate, at_once, mesh, varied)
    while at_once > 1 and mesh is None and _bytes(program) > memory():
        at_once = (at_once + 1) // 2
        program = _compiled(function, static, len(shared), treedef, shapes, donate, at_once, mesh, varied)
    seconds = time.perf_counter() - begun
    if vmap:
        return program(*varying, *fixed, *mapped), seconds
    with ThreadPoolExecutor(cores()) as pool:
        results = list(pool.map(lambda one: jax.block_until_ready(program(*one[0], *fixed, *one[1])), each))
    return jax.tree.map(lambda *parts: jnp.stack(parts), *results), seconds


def _bytes(program: Any) -> int:
    """What a compiled program takes of the device's memory, its arguments and results included."""
    sizes = program.memory_analysis()
    if sizes is None:
        return 0
    taken = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    return taken - sizes.alias_size_in_bytes


def _unstacked(stacked: tuple) -> list[tuple]:
    leaves, treedef = jax.tree.flatten(stacked)
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
    varied: int,
) -> Any:
    """The program of one run (`at_once` 0), or of all under `vmap`, `at_once` at a time."""

    def program(*args):
        if not at_once:
            return function(*static, *args)

        def one(varying: tuple, mapped: tuple):
            return function(*static, *varying, *args[varied:shared], *mapped)

        varying, mapped = args[:varied], args[shared:]
        if at_once < len(jax.tree.leaves(mapped)[0]):
            return jax.lax.map(lambda each: one(*each), (varying, mapped), batch_size=at_once)
        return jax.vmap(one, spmd_axis_name="seeds" if mesh else None)(varying, mapped)

    donated = (shared,) if donate else ()
    with _uncollected():
        return jax.jit(program, donate_argnums=donated).lower(*treedef.unflatten(shapes)).compile()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: tracing allocates so much, hardly any of it garbage, that this takes a fifth off."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
