"""Compiled programs over several runs, kept by what shapes them, with the time that compiling took.

A run is a seed at a point of a grid. Where runs go under one `vmap` (accelerators), what they own has a leading axis of
runs; on the CPU, where batched convolutions are slow and small operations keep one core only, it is a list of what each
owns (`Apart`), one program for a single run is compiled, and as many runs as there are cores go side by side.
"""

import contextlib
import functools
import gc
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.engine.devices import cores, memory, vectorised
from tlx.engine.processes import gathered, meet, spread


class Apart(list):
    """What each run owns, in the order of the runs; no tree, so that nothing takes it for one."""


class Call(NamedTuple):
    """A program and its arguments: `function(*static, settings, shared, carry, own)`.

    `carry` and `own` are of all runs, and so are the `settings` where they `vary`. The carry's buffers are reused where
    it is to `donate`. `level` is what XLA's compiler for the CPU is to spend on it, 0 to 3, where not its default.
    """

    function: Callable
    static: tuple
    settings: Any
    shared: Any
    carry: Any
    own: Any
    varies: bool = False
    donate: bool = False
    mesh: Mesh | None = None
    level: int | None = None


class Form(NamedTuple):
    """What shapes a program: of one run (`at_once` 0), or of all under `vmap`, `at_once` at a time."""

    function: Callable
    static: tuple
    treedef: Any
    shapes: tuple[jax.ShapeDtypeStruct, ...]
    varies: bool
    donate: bool
    at_once: int
    mesh: Mesh | None
    level: int | None


def split_runs(tree: Any) -> Any:
    """What all runs own, from a tree with a leading axis of runs."""
    if vectorised():
        return tree
    leaves, treedef = jax.tree.flatten(tree)
    return Apart(treedef.unflatten(one) for one in zip(*leaves, strict=True))


def join_runs(owned: Any) -> Any:
    """A tree with a leading axis of runs; where apart, of the host's arrays, whose stacking compiles nothing."""

    def stack(*leaves: Any) -> Any:
        keys = jnp.issubdtype(leaves[0].dtype, jax.dtypes.prng_key)
        return jnp.stack(leaves) if keys else np.stack([np.asarray(leaf) for leaf in leaves])

    return jax.tree.map(stack, *owned) if isinstance(owned, Apart) else owned


def fetch(owned: Any) -> Any:
    """The same as arrays of the host."""
    return jax.device_get(gathered(join_runs(owned)))


def map_runs(function: Callable, *owned: Any) -> Any:
    """A function of trees of what each run owns."""
    if any(isinstance(each, Apart) for each in owned):
        return Apart(function(*each) for each in zip(*owned, strict=True))
    return function(*owned)


def one_run(owned: Any, number: int) -> Any:
    """What one run owns."""
    return owned[number] if isinstance(owned, Apart) else jax.tree.map(lambda leaf: leaf[number], owned)


def run(call: Call) -> tuple[Any, float]:
    """What the program makes of every run, as runs own it, and the seconds spent compiling.

    Where the program of all runs would not fit the device's memory, as many at a time go under `vmap` as do. Over a
    `mesh` of devices, runs are divided along its axis "seeds"; rows that lie along its axis "batch" stay so.
    """
    if call.mesh is not None:
        whole, divided = (NamedSharding(call.mesh, PartitionSpec(*axes)) for axes in ((), ("seeds",)))
        settings, carry = spread(call.settings, divided if call.varies else whole), spread(call.carry, divided)
        shared, own = spread(call.shared, whole, "batch"), spread(call.own, divided, "batch")
        call = call._replace(settings=settings, shared=shared, carry=carry, own=own)
    begun = time.perf_counter()
    form = _form(call)
    program = _compiled(form).result()
    while form.at_once > 1 and call.mesh is None and _bytes(program) > memory():
        form = form._replace(at_once=(form.at_once + 1) // 2)
        program = _compiled(form).result()
    seconds = time.perf_counter() - begun
    meet()
    if form.at_once:
        return program(call.settings, call.shared, call.carry, call.own), seconds

    def one(arguments: tuple) -> Any:
        settings, carry, own = arguments
        return jax.block_until_ready(program(settings, call.shared, carry, own))

    each = list(zip(*(_each(call, name) for name in ("settings", "carry", "own")), strict=True))
    if len(each) == 1:
        return Apart([one(each[0])]), seconds
    with ThreadPoolExecutor(cores()) as pool:
        return Apart(pool.map(one, each)), seconds


def _count(call: Call) -> int:
    for owned in (call.carry, call.own):
        if isinstance(owned, Apart):
            return len(owned)
        if leaves := jax.tree.leaves(owned):
            return leaves[0].shape[0]
    return 1


def _each(call: Call, name: str) -> list[Any]:
    value = getattr(call, name)
    return list(value) if isinstance(value, Apart) else [value] * _count(call)


def prepare(call: Call) -> Future:
    """Begins to compile, in a thread, what `run` of arguments of these shapes will need."""
    return _compiled(_form(call))


def shapes(call: Call) -> Any:
    """What `run` of arguments of these shapes would give, as `jax.ShapeDtypeStruct`s."""
    form = _form(call)
    out = _outputs(form)
    return out if form.at_once else Apart([out] * _count(call))


def _form(call: Call) -> Form:
    def struct(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding if call.mesh else None)

    vmap = vectorised()
    first = (one_run(part, 0) if isinstance(part, Apart) else part for part in (call.settings, call.carry, call.own))
    settings, carry, own = first
    leaves, treedef = jax.tree.flatten(jax.tree.map(struct, (settings, call.shared, carry, own)))
    at_once = _count(call) if vmap else 0
    level = None if vmap else call.level
    return Form(
        call.function, call.static, treedef, tuple(leaves), call.varies and vmap, call.donate, at_once, call.mesh, level
    )


def _bytes(program: Any) -> int:
    """What a compiled program takes of the device's memory, its arguments and results included."""
    sizes = program.memory_analysis()
    if sizes is None:
        return 0
    taken = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    return taken - sizes.alias_size_in_bytes


@functools.lru_cache(maxsize=8)
def _traced(form: Form) -> Any:
    def program(settings: Any, shared: Any, carry: Any, own: Any) -> Any:
        def one(settings: Any, carry: Any, own: Any) -> Any:
            return form.function(*form.static, settings, shared, carry, own)

        if not form.at_once:
            return one(settings, carry, own)
        every = one if form.varies else lambda _, carry, own: one(settings, carry, own)
        varied = settings if form.varies else None
        runs = len(jax.tree.leaves((carry, own))[0])
        if form.at_once < runs:
            return jax.lax.map(lambda each: every(*each), (varied, carry, own), batch_size=form.at_once)
        return jax.vmap(every, spmd_axis_name="seeds" if form.mesh else None)(varied, carry, own)

    with _uncollected():
        donated = (2,) if form.donate else ()
        return jax.jit(program, donate_argnums=donated).trace(*form.treedef.unflatten(form.shapes))


@functools.lru_cache(maxsize=128)
def _outputs(form: Form) -> Any:
    return _traced(form).out_info


@functools.lru_cache(maxsize=128)
def _compiled(form: Form) -> Future:
    """The program, traced and lowered here, compiled in a thread: XLA lets Python go on meanwhile."""
    with _uncollected():
        lowered = _traced(form).lower()
    return _compilers().submit(lowered.compile, _options(form.level))


def _options(level: int | None) -> dict[str, Any]:
    """The compiler's options: below its default level, what takes it longest goes too. Measured: the same results.

    What the user's XLA_FLAGS say of the level counts.
    """
    if level is None or "xla_backend_optimization_level" in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {
        "xla_backend_optimization_level": level,
        "xla_cpu_use_fusion_emitters": False,
        "xla_cpu_parallel_codegen_split_count": 1,
    }


def forget() -> None:
    """Drops the compiled programs of this process."""
    for kept in (_traced, _outputs, _compiled):
        kept.cache_clear()


def count_compiled() -> int:
    """How many programs this process has compiled and still holds."""
    return _compiled.cache_info().currsize


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
