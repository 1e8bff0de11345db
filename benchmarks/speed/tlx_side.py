"""tlx's side: the engine's own compiled programs, called as a run calls them."""

import time
from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
from cases import Case, task
from flops import count

from tlx.engine import networks, programs
from tlx.engine.compiled import Call, one_run
from tlx.engine.compiled import run as run_program
from tlx.engine.programs import Chunk, Clock
from tlx.engine.run import Point, Run, Section
from tlx.engine.tables import normalise
from tlx.engine.train import model_spec, sections
from tlx.plugins import Registry


class Side(NamedTuple):
    """`call()` does one round and returns when it is done; `flops` are those of one step, `compile` seconds."""

    call: Callable[[], object]
    flops: float
    compile: float


def prepare(case: Case, seeds: int = 1) -> Side:
    """A run of a case, in its phase, with its state carried from call to call."""
    registry = Registry.load()
    strategy, backbone = registry.get("strategies", case.strategy)(), registry.get("backbones", case.backbone)
    data = task(case)
    spec = model_spec(backbone, data, case.recipe)
    phases = strategy.phases(programs.make_model(spec))
    plan = [Section(section.phase, (case.steps or 1,)) for section in sections(phases, case.recipe)[:1]]
    run = Run([Point(strategy, case.recipe)], spec, data, plan, streamed=False)
    run.start(range(seeds), {}, {})
    begun = time.perf_counter()
    run.enter(0)
    if case.steps == 0:
        run.evaluate("test")
        return Side(lambda: run.evaluate("test"), _flops_of_evaluation(case, run), time.perf_counter() - begun)
    flops = _flops_of_a_step(case, run)
    begun = time.perf_counter()
    run.round(case.steps, 0, 1000)
    return Side(lambda: run.round(case.steps, 0, 1000), flops, run.compile_seconds)


def _flops_of_a_step(case: Case, run: Run) -> float:
    clock = Clock(jnp.int32(0), jnp.int32(1000))
    keys = run.keys[0]
    draw = Call(programs.draw, (1, run.setup), run.settings, (run.device, clock), run.carry, keys)
    rows, _ = one_run(run_program(draw)[0], 0)
    arguments = (run.settings, (run.device, clock), one_run(run.carry, 0), (one_run(keys, 0), Chunk(rows)))
    with plain_operations():
        return count(jax.make_jaxpr(lambda *args: programs.train(run.setup, *args))(*arguments).jaxpr)


def _flops_of_evaluation(case: Case, run: Run) -> float:
    model, state = programs.make_model(run.spec), run.state_of(0)
    raw = jax.ShapeDtypeStruct((len(run.data.test.domain), *case.shape), jnp.uint8)

    def logits(x: jax.Array) -> jax.Array:
        return run.settings.strategy.predict(model, state, normalise(run.device, x))

    with plain_operations():
        return count(jax.make_jaxpr(logits)(raw).jaxpr)


def plain_operations():
    """Within it a network is traced as it was written: kernels are opaque, and other ways take more operations."""
    return mock.patch.object(networks, "with_fast_ops", lambda call: call())


def gemm_limit(size: int = 2048, repeats: int = 5) -> float:
    """GFLOP/s of one square float32 matrix product, the best of several: what the machine can do."""
    a = jnp.ones((size, size))
    product = jax.jit(lambda a, b: a @ b)
    product(a, a).block_until_ready()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        product(a, a).block_until_ready()
        times.append(time.perf_counter() - begun)
    return 2 * size**3 / min(times) / 1e9
