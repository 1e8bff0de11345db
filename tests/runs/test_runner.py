import dataclasses
import pickle

import numpy as np
import pytest

from tlx import hookimpl
from tlx.runs import absences, failures
from tlx.runs.resolve import make_spec
from tlx.observers.progress import told
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.data import Protocol
from tlx.errors import ContractError, DataAbsent
from tlx.plugins import Registry
from tlx.score import scores


class Ears:
    def __init__(self):
        self.heard = []

    def tlx_run_started(self, spec):
        self.heard.append(("started", spec.strategy))

    def tlx_round_finished(self, spec, progress):
        self.heard.append(("round", progress.round))

    def tlx_run_finished(self, spec, result):
        self.heard.append(("finished", result.status))


def test_a_result_says_what_was_run_and_where(result, spec):
    assert result.finished, result.traceback
    assert result.spec == spec and result.command == spec.command
    assert result.setting == "unsupervised" and result.sees == ("source", "target")
    assert len(result.code) == 64 and len(result.data_hash) == 64
    assert result.environment.device == "cpu" and "numpy" in result.environment.versions
    assert (result.times.compile, result.times.train) == (0.5, 0.25) and result.times.wall > 0
    assert result.diverged == [False, True]


def test_scores_of_each_seed_under_each_policy(registry, world, spec, result):
    seen = []
    monitor = world.train_grid

    def train(*args):
        seen.append((args[2], monitor(*args)))
        return seen[0][1]

    assert Runner(registry, train=train)(spec).selections == result.selections
    data, (outcome,) = seen[0]
    for seed in range(2):
        logits = [evaluation.target_logits[seed] for evaluation in outcome.evaluations]
        last, oracle = (result.selections[name].scores[seed] for name in ("last", "oracle"))
        assert dataclasses.asdict(last) == {"step": 6, **scores(logits[-1], data.test_y)}
        assert oracle.accuracy == max(np.mean(item.argmax(axis=1) == data.test_y) for item in logits)
    assert {name: item.uses_target_labels for name, item in result.selections.items()} == {
        "last": False,
        "oracle": True,
    }


def test_curves_have_every_evaluation(result):
    assert [point.step for point in result.curves] == [2, 4, 6]
    point = result.curves[-1]
    assert point.metrics == {"loss": [0.166667, None]}
    assert point.target == result.accuracy("last") and len(point.source_val) == 2


def test_only_the_last_phase_is_selected_from(registry, world, spec):
    world.phases = ("warm", "adapt")
    result = Runner(registry)(spec)
    assert [point.phase for point in result.curves] == ["warm"] * 3 + ["adapt"] * 3
    assert all(score.step > 3 for score in result.selections["oracle"].scores)
    best = [max(point.target[seed] for point in result.curves if point.phase == "adapt") for seed in range(2)]
    assert result.accuracy("oracle") == best


def test_the_same_spec_gives_the_same_but_for_the_times(registry, spec, result):
    again = Runner(registry)(spec)
    assert dataclasses.replace(again, times=result.times) == result


@pytest.mark.parametrize(
    ("error", "message"),
    [(ContractError("it broke"), "it broke"), (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero")],
)
def test_a_run_that_raises_is_a_failed_result(registry, world, spec, error, message):
    world.fails["Shift"] = error
    ears = Ears()
    result = Runner(registry, [ears])(spec)
    assert (result.status, result.error, result.selections) == ("failed", message, {})
    assert result.traceback is not None and type(error).__name__ in result.traceback
    assert ears.heard == [("started", "shift"), ("finished", "failed")]


def test_interruption_is_not_a_failure(registry, world, spec):
    world.fails["Shift"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Runner(registry)(spec)


def test_observers_and_plugins_hear_of_a_run(registry, world, spec):
    import tlx

    ears, heard = Ears(), []

    class Observing:
        @tlx.hookimpl
        def tlx_round_finished(self, spec, progress):
            heard.append(progress.step)

        @tlx.hookimpl
        def tlx_run_finished(self, spec, result):
            heard.append(result.status)

    registry.add(Observing(), "observing")
    Runner(registry, [ears])(spec)
    assert ears.heard == [("started", "shift"), ("round", 1), ("round", 2), ("round", 3), ("finished", "finished")]
    assert heard == [2, 4, 6, "finished"]


def test_a_selector_that_fails_loses_no_run(registry, world, spec, caplog):
    def fail(evidence):
        raise RuntimeError("no idea")

    registry.get("selectors", "oracle").score = fail
    result = Runner(registry)(spec)
    assert result.finished and list(result.selections) == ["last"]
    assert "selector 'oracle' failed and is left out: RuntimeError: no idea" in caplog.text


def test_data_that_cannot_be_loaded_fail_the_run(registry, world, spec, monkeypatch):
    def refuse(*_):
        raise OSError("gone")

    monkeypatch.setattr("tlx.runs.runner.load_task", refuse)
    assert Runner(registry)(spec).error == "OSError: gone"


def test_data_are_loaded_once_a_task(registry, world, spec, monkeypatch):
    from tlx.runs import runner as module

    loaded, load = [], module.load_task
    monkeypatch.setattr(module, "load_task", lambda task, find: loaded.append(task.name) or load(task, find))
    runner = Runner(registry)
    for task in ("a->b", "a->b", "a->c"):
        assert runner(dataclasses.replace(spec, task=task)).finished
    assert loaded == ["a->b", "a->c"]


def test_pickled_it_loads_the_plugins_of_the_spec(registry, world, spec, monkeypatch):
    files = []
    monkeypatch.setattr(Registry, "load", lambda names: files.append(names) or registry)
    runner = pickle.loads(pickle.dumps(Runner(registry, [Ears()])))
    assert runner.registry is None and runner.observers == ()
    assert runner(dataclasses.replace(spec, plugin_files=("x.py",))).finished
    assert files == [("x.py",)]


def test_a_task_whose_data_are_absent_is_absent_for_every_strategy_and_asked_for_once(registry, world, spec):
    asked = []

    def away():
        asked.append("away")
        raise DataAbsent("SVHN is not here: tlx data prepare svhn")

    class Svhn:
        @hookimpl
        def tlx_datasets(self, register):
            register("svhn", away)

        @hookimpl
        def tlx_protocols(self, register):
            register("P-full-off", Protocol("P-full-off", "", None, None))

    registry.add(Svhn(), "svhn")
    runner = Runner(registry)
    specs = [make_spec(registry, "svhn:a", name, backbone="net", recipe="short", seeds=1) for name in ("shift", "bad")]
    results = [runner(item) for item in specs]
    assert [item.status for item in results] == ["absent", "absent"] and asked == ["away"]
    assert results[0].error == "SVHN is not here: tlx data prepare svhn" and results[0].traceback is None
    assert not results[0].finished and Result.parse(results[0].text()) == results[0]
    assert failures(results) == [] and absences(results) == [f"svhn->a@P-full-off: {results[0].error}"]
    assert runner(spec).finished and world.calls == ["Shift"]
    assert told(results[0]) == f"absent: {results[0].error}"


def test_the_protocol_of_the_spec_is_the_one_that_runs(registry, world):
    class Small:
        @hookimpl
        def tlx_protocols(self, register):
            register("P-4", Protocol("P-4", "", 4, None))

    registry.add(Small(), "small")
    shown = []
    monitor = world.train_grid

    def train(*args):
        shown.append(args[2])
        return monitor(*args)

    runner = Runner(registry, train=train)
    for task in ("a:b", "a:b@P-4", "a:b@P-4/2"):
        result = runner(make_spec(registry, task, "shift", backbone="net", recipe="short", seeds=1))
        assert result.finished, result.traceback
    assert [data.source.x.shape[1] for data in shown] == [8, 4, 4]
    assert [len(data.labelled.y) for data in shown] == [12, 12, 6] and result.spec.protocol == "P-4/2"
    assert (result.spec.task, result.spec.full_task) == ("a->b/2", "a->b@P-4/2")
    assert result.spec.command.startswith("tlx run a:b@P-4/2 shift")
