"""What is compiled again and what is not; one semantics whichever way seeds are dispatched."""

import functools
import os
import subprocess
import sys
from concurrent.futures import Future

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from losses import on_source

from tlx import Objective, Phase, Recipe, Strategy, strategy
from tlx.contract import Online, Sweep
from tlx.engine import compiled
from tlx.engine import run as run_module
from tlx.engine.compiled import Apart, Call, count_compiled, forget, join_runs, map_runs, one_run, shapes, split_runs
from tlx.engine.run import Point
from tlx.engine.train import compile_ahead, train, train_grid
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.dann import DANN
from tlx_strategies.mcd import MCD
from tlx_strategies.mmd import MMD
from tlx_strategies.shot import SHOT

pytestmark = pytest.mark.slow

ONE_STEP = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)
TASK = tiny_task()
STRATEGIES = {"dann": DANN(hidden=(8,)), "mcd": MCD(), "shot": SHOT(), "mmd": MMD()}


@strategy
class Small(Strategy):
    """Cross-entropy on the source."""

    weight: float = 1.0
    extra: int = 0

    def loss(self, model, state, batch, context):
        value, state, _ = on_source(model)(state, batch, context)
        return self.weight * value, state, {}


@strategy
class Full(Strategy):
    """Sweeps and refreshes; then an online phase."""

    def phases(self, model):
        def quiet(state, batch, context):
            features, state = model.features(state, batch.target.x)
            return jnp.square(features).mean(), state, {}

        def refresh(state, swept, context):
            return state.put(bank=swept["bank"])

        return (
            Phase(
                (Objective(on_source(model)),),
                begin=lambda state, context: state.put(bank=jnp.zeros(model.rows["target"])),
                sweeps={"bank": Sweep("target", lambda state, rows: rows.x.mean((1, 2, 3)))},
                refresh=refresh,
            ),
            Phase((Objective(quiet),), name="test", sees=frozenset({"target"}), online=Online()),
        )


def test_floats_seeds_and_tasks_of_equal_shape_compile_nothing():
    recipe = tiny_recipe()
    forget()
    train(Small(), TinyBN, TASK, recipe, (0, 1))
    before = count_compiled()
    assert before > 0
    train(Small(weight=0.3), TinyBN, TASK, recipe.replace(lr=0.01, weight_decay=0.1), (7, 8, 9))
    other = TASK._replace(
        source=TASK.source._replace(x=255 - TASK.source.x, y=TASK.source.y[::-1].copy()), hash="other"
    )
    train(Small(), TinyBN, other, recipe, (0,))
    assert count_compiled() == before
    train(Small(extra=1), TinyBN, TASK, recipe, (0,))
    assert count_compiled() > before


def test_runs_side_by_side_give_what_they_give_in_turn(monkeypatch):
    """Whatever the number of cores that this process may use."""
    outcomes = []
    for count in (1, 3):
        monkeypatch.setattr(compiled, "cores", lambda count=count: count)
        outcomes.append(train(STRATEGIES["mmd"], TinyBN, TASK, tiny_recipe(), (0, 1, 2)).evaluations[-1])
    np.testing.assert_array_equal(*(outcome.target_logits for outcome in outcomes))


def test_what_is_compiled_ahead_is_found_by_the_run_and_changes_none_of_its_bits():
    """The trap: a program of another form, which is compiled beside and never used."""
    point, seeds = Point(STRATEGIES["mmd"], tiny_recipe()), (0, 1)
    forget()
    [plain] = train_grid([point], TinyBN, TASK, seeds)
    every = count_compiled()
    forget()
    compile_ahead([point], TinyBN, TASK, seeds, {})
    ahead = count_compiled()
    [again] = train_grid([point], TinyBN, TASK, seeds)
    assert count_compiled() == every and ahead >= every - 1  # the means of a round's metrics have to have been seen
    np.testing.assert_array_equal(again.evaluations[-1].target_logits, plain.evaluations[-1].target_logits)


def test_the_number_of_rows_is_no_constant_of_a_program(monkeypatch):
    """So that XLA's cache on disk has the programs of a task of about equal size, although its facts trace anew."""
    texts = {}

    def compile_and_note(form):
        lowered = compiled._traced(form).lower()
        texts.setdefault(form.function.__name__, []).append(lowered.as_text())
        done = Future()
        done.set_result(lowered.compile())
        return done

    monkeypatch.setattr(compiled, "_compiled", functools.cache(compile_and_note))
    for rows in (48, 40):
        cut = jax.tree.map(lambda leaf, rows=rows: leaf[:rows], TASK.source)
        train(Small(), TinyBN, TASK._replace(source=cut), tiny_recipe(), (0,))
    assert {name: len(each) for name, each in texts.items()}["train"] == 2
    for name, each in texts.items():
        assert len(set(each)) == len(each) // 2, name


def logits(strategy: Strategy, recipe: Recipe = ONE_STEP, seeds=(0, 1, 2)) -> np.ndarray:
    return train(strategy, TinyBN, TASK, recipe, seeds).evaluations[-1].target_logits


@pytest.mark.parametrize("name", ["dann", "mcd", "shot", "mmd"])
def test_vmapped_seeds_take_the_step_that_they_take_alone(name, monkeypatch):
    alone = logits(STRATEGIES[name])
    monkeypatch.setattr(compiled, "vectorised", lambda: True)
    np.testing.assert_allclose(logits(STRATEGIES[name]), alone, atol=2e-5)


def test_seeds_that_do_not_fit_the_memory_run_some_at_a_time(monkeypatch):
    monkeypatch.setattr(compiled, "vectorised", lambda: True)
    seeds = (0, 1, 2, 3)
    large = ONE_STEP.replace(batch=2048)  # so that most of what a program takes is a run's own
    together, inner, made = logits(Small(), large, seeds), compiled._compiled, []
    monkeypatch.setattr(compiled, "_compiled", lambda form: made.append((form.at_once, inner(form))) or made[-1][1])
    logits(Small(), large, seeds)
    most = max(compiled._bytes(program.result()) for _, program in made)
    monkeypatch.setattr(compiled, "memory", lambda: most - 1)
    made.clear()
    np.testing.assert_allclose(logits(Small(), large, seeds), together, atol=2e-5)
    assert {at_once for at_once, _ in made} == {4, 2}


def test_a_round_moves_nothing_between_host_and_device(monkeypatch):
    guarded = []
    inner = compiled._compiled

    def under_guard(form):
        call, out = inner(form).result(), Future()

        def guard(*inputs):
            with jax.transfer_guard("disallow"):
                guarded.append(form.function.__name__)
                return call(*inputs)

        guard.memory_analysis = call.memory_analysis  # pyright: ignore[reportFunctionMemberAccess]
        out.set_result(guard)
        return out

    monkeypatch.setattr(compiled, "_compiled", under_guard)
    monkeypatch.setattr(compiled, "vectorised", lambda: True)
    train(Full(), TinyBN, TASK, tiny_recipe(), (0, 1))
    assert guarded.count("train") == guarded.count("draw") == guarded.count("refresh") == 4


@pytest.mark.parametrize("vmap", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_compiled_ahead_is_what_runs(stream, vmap, monkeypatch):
    """But for the means of a round, and the passes of a stream, which are programs of their own size."""
    monkeypatch.setattr(compiled, "vectorised", lambda: vmap)
    ahead, used = [], []
    inner = compiled._compiled.__wrapped__
    monkeypatch.setattr(compiled, "_compiled", functools.cache(lambda form: used.append(form) or inner(form)))
    monkeypatch.setattr(run_module, "prepare", lambda call: ahead.append(compiled._form(call)))
    monkeypatch.setattr(run_module, "wait_for", lambda futures: None)
    train(Full(), TinyBN, TASK, tiny_recipe(), (0, 1), probe={"target": TASK.target.x[:5]}, stream=stream)
    assert set(ahead) <= set(used)
    assert {form.function.__name__ for form in ahead} >= {"init", "enter", "probe"}
    if not stream:
        later = {"summary", "online"}
        assert {form for form in used if form.function.__name__ not in later} == set(ahead)


def add(settings, shared, carry, own):
    return carry + shared + own


def test_the_carry_is_donated():
    carry = split_runs(jnp.zeros((1, 1000)))
    call = Call(add, (), None, jnp.float32(2), carry, split_runs(jnp.ones((1, 1000))), donate=True)
    out, _ = compiled.run(call)
    assert join_runs(out).shape == (1, 1000) and float(join_runs(out).sum()) == 3000
    assert carry[0].is_deleted() and not call.own[0].is_deleted()


QUICKLY_AND_PLAINLY = """
import jax, numpy as np
from tlx.engine import compiled, run
from tlx.engine.train import train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.dann import DANN
def evaluated():
    compiled.forget()
    recipe = tiny_recipe().replace(steps=2, rounds=1)
    return train(DANN(hidden=(8,)), TinyBN, tiny_task(), recipe, (0, 1)).evaluations[-1]
quickly = evaluated()
assert any(map(compiled._options, run.LEVELS.values()))
run.LEVELS = {}
plainly = evaluated()
np.testing.assert_array_equal(quickly.target_logits, plainly.target_logits)
jax.tree.map(np.testing.assert_array_equal, quickly.metrics, plainly.metrics)
"""


def test_what_is_compiled_quickly_computes_the_same():
    environ = {
        name: value for name, value in os.environ.items() if name != "XLA_FLAGS"
    }  # which tests compile quickly by
    subprocess.run([sys.executable, "-c", QUICKLY_AND_PLAINLY], env=environ, check=True)


def test_the_users_flags_count(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=2")
    assert compiled._options(0) == {}
    monkeypatch.setenv("XLA_FLAGS", "")
    assert compiled._options(0)["xla_backend_optimization_level"] == 0 and compiled._options(None) == {}


@pytest.mark.parametrize("vmap", [False, True])
def test_runs_are_split_mapped_and_joined(vmap, monkeypatch):
    monkeypatch.setattr(compiled, "vectorised", lambda: vmap)
    tree = {"a": jnp.arange(6).reshape(3, 2), "b": jnp.arange(3)}
    owned = split_runs(tree)
    assert isinstance(owned, Apart) == (not vmap)
    jax.tree.map(np.testing.assert_array_equal, join_runs(owned), tree)
    assert one_run(owned, 1)["a"].tolist() == [2, 3]
    doubled = join_runs(map_runs(lambda one: {"c": 2 * one["b"]}, owned))
    assert doubled["c"].tolist() == [0, 2, 4]
    call = Call(add, (), None, jnp.float32(1), split_runs(jnp.zeros((3, 4))), split_runs(jnp.ones((3, 4))))
    got, wanted = shapes(call), compiled.run(call)[0]
    for one, other in zip(*((each if isinstance(each, Apart) else [each]) for each in (got, wanted)), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
    np.testing.assert_array_equal(join_runs(wanted), np.full((3, 4), 2.0))
