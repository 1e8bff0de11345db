"""tlx's side: the engine's own compiled programs, called as a run calls them."""

import time
from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
from cases import Case, task
from flops import count

from tlx.engine import phases as programs
from tlx.engine.evaluate import evaluate
from tlx.engine.feed import make_feed
from tlx.engine.model import Frame, make_model
from tlx.engine.phases import Plan
from tlx.engine.program import run
from tlx.layers import conv
from tlx.plugins import Registry


class Side(NamedTuple):
    """`call()` does one round and returns when it is done; `flops` are those of one step, `compile` seconds."""

    call: Callable[[], None]
    flops: float
    compile: float


def prepare(case: Case, seeds: int = 1) -> Side:
    """The compiled round of a case, with its state carried from call to call."""
    registry = Registry.load()
    strategy = jax.tree.map(jnp.float32, registry.get("strategies", case.strategy)())
    data = task(case)
    recipe = case.recipe.skeleton()
    hyper = {name: jnp.float32(value) for name, value in case.recipe.hyper().items()}
    frame = Frame(
        registry.get("backbones", case.backbone), case.shape, 10, len(data.target_x), recipe.bottleneck, recipe.dtype
    )
    model = make_model(frame)
    feed = make_feed(data, strategy.phases(model)[0].sees)
    plan = Plan(frame, recipe, 0)
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds))
    state, first = run(programs.init, (plan,), (strategy,), (keys, {}))
    if case.steps == 0:
        return _evaluation(case, strategy, frame, feed, state)
    carry, second = run(programs.enter, (plan,), (strategy, hyper), (state, keys))
    shared = (strategy, hyper, feed, jnp.int32(0), jnp.int32(1000))
    static = (plan, case.steps)
    one = jax.tree.map(lambda leaf: leaf[0], (carry, keys))
    with plain_convolutions():
        program = jax.make_jaxpr(lambda *args: programs.train_round(*static, *args))(*shared, *one)
    flops = count(program.jaxpr) / case.steps
    held = [carry]

    def call() -> None:
        (held[0], result), _ = run(programs.train_round, static, shared, (held[0], keys), donate=True)
        jax.block_until_ready((held[0], result))

    begun = time.perf_counter()
    call()
    return Side(call, flops, first + second + time.perf_counter() - begun)


def _evaluation(case: Case, strategy, frame: Frame, feed, state) -> Side:
    def over(strategy, feed, state):
        return evaluate(strategy, make_model(frame), state, feed, [feed.test], case.recipe.eval_batch)

    def call() -> None:
        jax.block_until_ready(run(over, (), (strategy, feed), (state,))[0])

    x = jax.ShapeDtypeStruct((len(task(case).test_x), *case.shape), jnp.float32)
    one = jax.tree.map(lambda leaf: leaf[0], state)
    model = make_model(frame)
    with plain_convolutions():
        flops = count(jax.make_jaxpr(lambda x: strategy.predict(model, one, x))(x).jaxpr)
    begun = time.perf_counter()
    call()
    return Side(call, flops, time.perf_counter() - begun)


def plain_convolutions():
    """Within it convolutions are traced as JAX's own: our way through matrix products takes more operations."""

    def plain(x: jax.Array, w: jax.Array, stride: tuple[int, int]) -> jax.Array:
        return jax.lax.conv_general_dilated(x, w, stride, "VALID", dimension_numbers=conv.NHWC)

    return mock.patch.object(conv, "_conv", plain)


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
