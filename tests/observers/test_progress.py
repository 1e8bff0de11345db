import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from tlx.observers.progress import Bar
from tlx.runs.runner import Runner


def after(number) -> Any:
    return SimpleNamespace(round=number, rounds=3)


def bar(specs):
    return Bar(specs, Console(file=io.StringIO(), width=200))


def test_the_bar_counts_steps_times_seeds(registry, world, job, spec):
    observer = bar([spec, spec])
    assert observer.bar.tasks[0].total == 2 * 6 * 2
    with observer:
        observer.tlx_run_started(spec)
        observer.tlx_round_finished(spec, after(1))
        assert observer.bar.tasks[0].completed == 4
        assert observer.bar.tasks[0].description == "a->b shift"
        observer.tlx_run_finished(spec, Runner(registry)(job))
        assert observer.bar.tasks[0].completed == 12


def test_a_line_for_each_run(registry, world, job, spec):
    observer = bar([spec, spec])
    with registry.observing(observer):
        result = Runner(registry)(job)
        world.fails["Shift"] = RuntimeError("boom [red]")
        Runner(registry)(job)
    file = observer.console.file
    assert isinstance(file, io.StringIO)
    lines = file.getvalue().splitlines()
    mean = sum(result.accuracy()) / 2
    assert lines[0].startswith(f"1/2 a->b shift: accuracy {mean:.3f} [n=2], ")
    assert lines[1].startswith("2/2 a->b shift: failed after ") and lines[1].endswith("RuntimeError: boom [red]")


def test_a_long_run_says_in_a_log_how_far_it_is(spec):
    for every, lines in ((0.0, ["1/1 a->b shift: round 1 of 3", "1/1 a->b shift: round 2 of 3"]), (1e6, [])):
        observer = Bar([spec], Console(file=io.StringIO(), width=200), every)
        for number in (1, 2):
            observer.tlx_round_finished(spec, after(number))
        assert isinstance(observer.console.file, io.StringIO)
        assert observer.console.file.getvalue().splitlines() == lines
