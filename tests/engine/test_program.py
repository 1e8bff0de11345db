"""What is compiled again and what is not; one semantics whichever way seeds are dispatched."""

import functools
from concurrent.futures import Future

import jax
import numpy as np
import pytest

from tlx.engine import program, runs
from tlx.engine.program import _compiled
from tlx.engine.train import train
from tlx.plugins import Registry
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

ONE_STEP = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)


@pytest.fixture(scope="module")
def strategies():
    registry = Registry.load()
    return {name: registry.get("strategies", name) for name in ("dann", "mcd", "shot", "mmd", "tent")}


def test_floats_seeds_and_tasks_of_equal_shape_compile_nothing(strategies):
    def misses():
        return _compiled.cache_info().misses

    dann, recipe = strategies["dann"], tiny_recipe()
    train(dann(), TinyBN, tiny_task(), recipe, (0, 1))
    before = misses()
    train(dann(weight=0.3, gamma=5.0), TinyBN, tiny_task(), recipe.replace(lr=0.01, weight_decay=0.1), (7, 8, 9))
    shorter = tiny_task()
    shorter = shorter._replace(source=type(shorter.source)(*(column[:40] for column in shorter.source)))
    train(dann(), TinyBN, shorter, recipe, (0,))
    assert misses() == before
    train(dann(hidden=(8,)), TinyBN, tiny_task(), recipe, (0,))
    assert misses() > before


@pytest.mark.parametrize("name", ["dann", "mcd", "shot", "mmd"])
def test_vmapped_seeds_take_the_step_that_they_take_alone(strategies, name, monkeypatch):
    def logits():
        return train(strategies[name](), TinyBN, tiny_task(), ONE_STEP, (0, 1, 2)).evaluations[-1].target_logits

    alone = logits()
    monkeypatch.setattr(program, "vectorised", lambda: True)
    np.testing.assert_allclose(logits(), alone, atol=2e-5)


def test_seeds_that_do_not_fit_the_memory_run_some_at_a_time(strategies, monkeypatch):
    def logits():
        return train(strategies["dann"](), TinyBN, tiny_task(), ONE_STEP, (0, 1, 2)).evaluations[-1].target_logits

    monkeypatch.setattr(program, "vectorised", lambda: True)
    together, inner, made = logits(), program._compiled, []
    monkeypatch.setattr(program, "_compiled", lambda form: made.append((form.at_once, inner(form))) or made[-1][1])
    logits()
    most = max(program._bytes(compiled.result()) for _, compiled in made)
    monkeypatch.setattr(program, "memory", lambda: most - 1)
    made.clear()
    np.testing.assert_allclose(logits(), together, atol=2e-5)
    assert {at_once for at_once, _ in made} == {3, 2}


def test_a_round_moves_nothing_between_host_and_device(strategies, monkeypatch):
    guarded = []
    inner = program._compiled

    def compiled(form):
        call, found = inner(form).result(), Future()

        def under_guard(*inputs):
            with jax.transfer_guard("disallow"):
                guarded.append(form.function.__name__)
                return call(*inputs)

        under_guard.memory_analysis = call.memory_analysis  # pyright: ignore[reportFunctionMemberAccess]
        found.set_result(under_guard)
        return found

    monkeypatch.setattr(program, "_compiled", compiled)
    monkeypatch.setattr(program, "vectorised", lambda: True)
    train(strategies["shot"](), TinyBN, tiny_task(), tiny_recipe(), (0, 1))
    assert guarded.count("train_round") == 4


@pytest.mark.parametrize("vmap", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["dann", "shot", "tent"])
def test_what_is_compiled_ahead_is_what_runs(strategies, name, stream, vmap, monkeypatch):
    monkeypatch.setattr(program, "vectorised", lambda: vmap)
    ahead, used = [], []
    inner = program._compiled.__wrapped__
    monkeypatch.setattr(program, "_compiled", functools.cache(lambda form: used.append(form) or inner(form)))

    def prepared(function, static, shared, mapped, donate, varied):
        ahead.append(program._form(function, static, shared, mapped, donate, None, varied))

    monkeypatch.setattr(runs, "prepare", prepared)
    monkeypatch.setattr(runs, "wait", lambda futures: None)
    data = tiny_task()
    train(strategies[name](), TinyBN, data, tiny_recipe(), (0, 1), sample={"target": data.target_x[:5]}, stream=stream)
    assert set(ahead) <= set(used)
    assert {form.function.__name__ for form in ahead} >= {"init", "enter", "observe"}
    if not stream:
        assert set(ahead) == set(used)


def test_the_carry_is_donated():
    def add(carry, amount):
        return carry + amount

    carry = jax.numpy.zeros((1, 1000))
    amount = jax.numpy.ones((1,))
    out, _ = program.run(add, (), (), (carry, amount), donate=True)
    assert out.shape == (1, 1000) and float(out.sum()) == 1000
