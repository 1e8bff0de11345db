"""Compiled programs over several runs, kept by what shapes them, with the time that compiling took."""

import contextlib
import functools
import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.engine.devices import cores, memory, vectorised


class Form(NamedTuple):
    """What shapes a program: of one run (`at_once` 0), or of all under `vmap`, `at_once` at a time.

    `shared` of its arguments, of which the first `varied` differ from run to run, come before the mapped ones.
    """

    function: Callable
    static: tuple
    shared: int
    treedef: Any
    shapes: tuple[jax.ShapeDtypeStruct, ...]
    donate: bool
    at_once: int
    mesh: Mesh | None
    varied: int


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
    varying, fixed = shared[:varied], shared[varied:]
    if mesh is not None:
        fixed = jax.device_put(fixed, NamedSharding(mesh, PartitionSpec()))
        varying, mapped = jax.device_put((varying, mapped), NamedSharding(mesh, PartitionSpec("seeds")))
    begun = time.perf_counter()
    form = _form(function, static, (*varying, *fixed), mapped, donate, mesh, varied)
    program = _compiled(form).result()
    while form.at_once > 1 and mesh is None and _bytes(program) > memory():
        form = form._replace(at_once=(form.at_once + 1) // 2)
        program = _compiled(form).result()
    seconds = time.perf_counter() - begun
    if form.at_once:
        return program(*varying, *fixed, *mapped), seconds
    with ThreadPoolExecutor(cores()) as pool:
        calls = _unstacked((varying, mapped))
        results = list(pool.map(lambda one: jax.block_until_ready(program(*one[0], *fixed, *one[1])), calls))
    return jax.tree.map(lambda *parts: jnp.stack(parts), *results), seconds


def prepare(
    function: Callable, static: tuple, shared: tuple, mapped: tuple, donate: bool = False, varied: int = 0
) -> Future:
    """Begins to compile, in a thread, what `run` of arguments of these shapes will need."""
    return _compiled(_form(function, static, shared, mapped, donate, None, varied))


def shapes(
    function: Callable, static: tuple, shared: tuple, mapped: tuple, donate: bool = False, varied: int = 0
) -> Any:
    """What `run` of arguments of these shapes would return, as `jax.ShapeDtypeStruct`s."""
    form = _form(function, static, shared, mapped, donate, None, varied)
    runs = () if form.at_once else (len(jax.tree.leaves(mapped)[0]),)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((*runs, *leaf.shape), leaf.dtype), _outputs(form))


def _form(
    function: Callable, static: tuple, shared: tuple, mapped: tuple, donate: bool, mesh: Mesh | None, varied: int
) -> Form:
    vmap = vectorised()
    runs = 0 if vmap else 1  # the axes that one run has not

    def struct(leaf: Any, axes: int = 0) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape[axes:], leaf.dtype, sharding=leaf.sharding if mesh else None)

    varying, mapped_one = jax.tree.map(lambda leaf: struct(leaf, runs), (shared[:varied], mapped))
    fixed = jax.tree.map(struct, shared[varied:])
    leaves, treedef = jax.tree.flatten((*varying, *fixed, *mapped_one))
    at_once, varied = (len(jax.tree.leaves(mapped)[0]), varied) if vmap else (0, 0)
    return Form(function, static, len(shared), treedef, tuple(leaves), donate, at_once, mesh, varied)


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


@functools.lru_cache(maxsize=8)
def _traced(form: Form) -> Any:
    function, static, shared, treedef, shapes, donate, at_once, mesh, varied = form

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
        return jax.jit(program, donate_argnums=donated).trace(*treedef.unflatten(shapes))


@functools.lru_cache(maxsize=128)
def _outputs(form: Form) -> Any:
    """The shapes of what one call of the program returns."""
    return _traced(form).out_info


@functools.lru_cache(maxsize=128)
def _compiled(form: Form) -> Future:
    """The program, traced and lowered here, compiled in a thread: XLA lets Python go on meanwhile."""
    with _uncollected():
        lowered = _traced(form).lower()
    return _compilers().submit(lowered.compile)


@functools.cache
def _compilers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), "compile")


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
