import contextlib
import dataclasses
import inspect
import json
import logging
import shlex
import shutil
from typing import Any

import numpy as np
import pytest

import tlx
from tlx import Lab
from tlx.data import from_arrays
from tlx.errors import DataAbsent, DataError, ResultError, SettingError, UnknownName, WeightsError
from tlx.executors import Executor, Runner
from tlx.plugins import Registry
from tlx.report import report
from tlx.runs import Spec, failures, load_all
from tlx.runs.about import About
from tlx.runs.resolve import rebuild
from tlx.runs.store import Store
from tlx.weights import files

GIVEN: dict[str, Any] = {"backbone": "net", "recipe": "short"}


@pytest.fixture
def bench(lab, tmp_path):
    def call(suite="tiny", **options):
        return lab.bench(suite, **({"out": tmp_path / "out"} | options))

    return call


@pytest.mark.slow
def test_images_without_labels_are_a_target_of_real_strategies():
    """On the real engine: an unsupervised strategy trains and is judged, one that needs target labels is refused."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (60, 8, 8), np.uint8), np.arange(60) % 3
    source = from_arrays("named", (x[:40], y[:40]))
    lab = Lab(datasets=[source, from_arrays("bare", (x[40:], None))])
    how: dict[str, Any] = {"backbone": "mlp", "steps": 4, "seeds": 1}
    result = lab.run("named->bare", "mmd", **how)
    assert result.finished and result.metric is None, result.traceback
    assert {"last", "source-val", "im", "snd"} <= set(result.selections) and "oracle" not in result.selections
    for strategy in ("target_only", "mme"):
        assert "since its target has no labels" in str(lab.run("named->bare", strategy, **how).error)


def contents(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("[!.]*")}


def test_a_suite_gives_a_file_and_a_result_for_each_run(bench, tmp_path):
    results = bench()
    assert [result.spec.label for result in results] == [
        f"a->{target} {strategy}" for target in "bc" for strategy in ("source_only", "shift", "bad")
    ]
    assert all(result.finished for result in results) and failures(results) == []
    assert len(contents(tmp_path / "out")) == 6
    assert {result.spec.hash for result in load_all(tmp_path / "out")} == {result.spec.hash for result in results}


def test_the_default_folder(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bench(out=None, strategies=["shift"])
    assert len(contents(tmp_path / "runs" / "tiny")) == 2


def test_the_next_run_on_a_task_is_compiled_ahead(bench, world):
    """The first run on a task has none before it that has its rows. A task's last has none after it."""
    bench()
    assert world.ahead == ["Shift", "Bad"] * 2


def test_what_fails_while_it_is_compiled_ahead_fails_its_own_run_alone(bench, world):
    world.fails["Shift"] = ValueError("odd")
    results = bench(tasks=["a->b"])
    assert [item.status for item in results] == ["finished", "failed", "finished"] and "odd" in results[1].error


def test_what_is_there_is_not_run_and_not_touched(bench, world, tmp_path):
    first = bench(strategies=["shift"])
    before = contents(tmp_path / "out")
    world.calls.clear()
    again = bench()
    assert world.calls == ["SourceOnly", "Bad"] * 2
    after = contents(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert [result for result in again if result.spec.strategy == "shift"] == first


def test_a_failing_run_is_recorded_and_run_again_at_the_next_start(bench, world, tmp_path):
    world.fails["Bad"] = RuntimeError("boom")
    results = bench()
    assert len(world.calls) == 6
    assert failures(results) == ["a->b bad: RuntimeError: boom", "a->c bad: RuntimeError: boom"]
    assert [result.error for result in load_all(tmp_path / "out") if not result.finished] == ["RuntimeError: boom"] * 2
    world.calls.clear()
    world.fails.clear()
    assert failures(bench()) == [] and world.calls == ["Bad", "Bad"]
    assert all(result.finished for result in load_all(tmp_path / "out"))


def test_interruption_leaves_what_is_finished(bench, world, tmp_path):
    world.fails["Bad"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bench()
    before = contents(tmp_path / "out")
    assert len(before) == 2 and all(name.endswith(".json") for name in before)
    [carry] = [path for path in (tmp_path / "out").iterdir() if path.is_dir()]
    world.fails.clear()
    bench()
    after = contents(tmp_path / "out")
    assert not carry.exists()
    assert len(after) == 6 and {name: after[name] for name in before} == before


def test_a_damaged_file_is_set_aside_and_run_again(bench, world, tmp_path, caplog):
    bench()
    damaged = next(iter(sorted((tmp_path / "out").glob("a-c.shift.*"))))
    damaged.write_bytes(damaged.read_bytes()[:100])
    world.calls.clear()
    assert all(result.finished for result in bench())
    assert world.calls == ["Shift"] and damaged.name in caplog.text
    assert damaged.with_name(f"{damaged.name}.damaged").exists() and damaged.exists()


def test_a_failed_run_of_changed_code_keeps_the_finished_result(bench, world, monkeypatch, tmp_path):
    given = {"strategies": ["shift"], "tasks": ["a->b"]}
    first, before = bench(**given), contents(tmp_path / "out")
    monkeypatch.setattr("tlx.runs.identity.fingerprint", lambda strategy: "0" * 64)
    world.fails["Shift"] = RuntimeError("boom")
    assert failures(bench(**given)) == ["a->b shift: RuntimeError: boom"]
    after = contents(tmp_path / "out")
    assert {name: after[name] for name in before} == before and len(after) == 2
    assert load_all(tmp_path / "out") == first


def test_the_log_says_where_a_failed_run_was_written(lab, world, tmp_path, caplog):
    store = Store(tmp_path)
    spec = lab.run("a:b", "shift", out=tmp_path, **GIVEN).spec
    world.fails["Shift"] = RuntimeError("boom")
    with caplog.at_level(logging.INFO):
        lab.run("a:b", "shift", out=tmp_path, **GIVEN)
    assert f"wrote {store.path_beside(spec)}" in caplog.text and store.read(spec) is not None


def forget(world, folder):
    world.calls.clear()
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.fixture
def other_process(tmp_path, monkeypatch):
    """Holds the claim of a run until somebody waits for it; then it does the run, if it is given a result."""
    claim, calls = Store.claim, []

    def hold(spec, result=None):
        other = contextlib.ExitStack()
        (tmp_path / "out").mkdir(exist_ok=True)
        assert other.enter_context(claim(Store(tmp_path / "out"), [spec]))

        def watched(store, specs, wait=False):
            calls.append((specs[0].label, wait))
            if wait:
                if result:
                    store.write(result)
                other.close()
            return claim(store, specs, wait)

        monkeypatch.setattr(Store, "claim", watched)
        return calls

    return hold


@pytest.mark.parametrize("does", [True, False])
def test_what_another_process_is_at_comes_last_and_is_not_run_twice(
    bench, world, other_process, tmp_path, caplog, does
):
    plan = bench(tasks=["a->b"])
    forget(world, tmp_path / "out")
    taken = plan[1]
    asked = other_process(taken.spec, taken if does else None)
    with caplog.at_level(logging.INFO):
        again = bench(tasks=["a->b"])
    assert asked == [(item.spec.label, False) for item in plan] + [(taken.spec.label, True)]
    assert world.calls == ["SourceOnly", "Bad"] + ["Shift"] * (not does)
    assert [item.spec for item in again] == [item.spec for item in plan] and all(item.finished for item in again)
    assert "a->b shift: another process runs it" in caplog.text and len(contents(tmp_path / "out")) == 3


def test_what_another_process_has_finished_meanwhile_is_not_run_again(bench, world, tmp_path, monkeypatch):
    plan = bench(tasks=["a->b"])
    forget(world, tmp_path / "out")
    world.fails["SourceOnly"] = RuntimeError("boom")  # and while it runs, another process does the others
    write = Store.write

    def writes(store, result):
        for other in plan[1:] if result.spec.strategy == "source_only" else ():
            write(store, other)
        return write(store, result)

    monkeypatch.setattr(Store, "write", writes)
    assert bench(tasks=["a->b"])[1:] == plan[1:] and world.calls == ["SourceOnly"]


def test_changed_code_is_run_again(bench, world, monkeypatch, caplog):
    bench(strategies=["shift"], tasks=["a->b"])
    monkeypatch.setattr("tlx.runs.identity.fingerprint", lambda strategy: "0" * 64)
    world.calls.clear()
    with caplog.at_level(logging.WARNING):
        bench(strategies=["shift"], tasks=["a->b"])
    assert world.calls == ["Shift"] and "the code of 'shift' has changed" in caplog.text


def test_a_suite_has_another_recipe_and_other_seeds(bench):
    """The command of the result says so, and gives the same run again."""
    given = {"strategies": ["shift"], "tasks": ["a->b"]}
    [result] = bench(**given, seeds=[3, 7], steps=9, recipe_set={"lr": 0.5})
    spec = result.spec
    assert (spec.seeds, spec.recipe.steps, spec.recipe.lr, spec.recipe_set) == ((3, 7), 9, 0.5, ("lr=0.5", "steps=9"))
    words = shlex.split(spec.command)
    assert words[words.index("--seed") :] == [
        *("--seed", "3", "--seed", "7", "--recipe-set", "lr=0.5", "--recipe-set", "steps=9")
    ]
    [again] = bench(**given, seeds=[3, 7], recipe_set=["lr=0.5", "steps=9"])
    assert again.spec.hash == spec.hash != bench(**given)[0].spec.hash


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"strategies": ["source_only", "shfit"]}, UnknownName),
        ({"tasks": ["a->d"]}, UnknownName),
        ({"suite": "tinny"}, UnknownName),
        ({"seeds": 0}, SettingError),
        ({"tasks": []}, SettingError),
        ({"strategies": ""}, SettingError),
        ({"tasks": [None]}, SettingError),
        ({"seeds": "3"}, SettingError),
        ({"recipe_set": {"lrr": 1}}, SettingError),
        ({"out": ""}, SettingError),
    ],
)
def test_names_are_checked_before_anything_runs(bench, world, tmp_path, options, error):
    with pytest.raises(error):
        bench(**options)
    assert world.calls == [] and not (tmp_path / "out").exists()


def test_the_folder_is_checked_before_anything_runs(bench, world, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ResultError, match="it is a file"):
        bench()
    assert world.calls == []


def test_an_executor_is_one_small_class(bench, lab, registry, world, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Elsewhere(Executor):
        def map(self, run, groups):
            wired = json.loads(json.dumps(run.to_json()))
            for group in reversed(groups):
                jobs = [rebuild(Spec.from_json(json.loads(json.dumps(job.spec.to_json())))) for job in group]
                yield from Runner.from_json(wired, run.hooks).grid(jobs)

    for place in ("tlx.runs.resolve", "tlx.runs.runner"):
        monkeypatch.setattr(f"{place}.load_registry", lambda files: registry)
    lab.executor = Elsewhere()
    results = bench()
    assert world.calls[0] == "Bad" and [result.spec.strategy for result in results[:3]] == [
        "source_only",
        "shift",
        "bad",
    ]


def test_run_gives_a_result_and_writes_it_where_asked(lab, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    result = lab.run("a:b", "shift", seeds=2, steps=9, settings={"weight": 3}, **GIVEN)
    assert result.finished and result.spec.recipe.steps == 9 and dict(result.spec.settings)["weight"] == 3.0
    assert list(tmp_path.iterdir()) == []
    with caplog.at_level(logging.INFO):
        written = lab.run("a:b", "shift", seeds=2, settings=["weight=3"], out="runs/{task}", **GIVEN)
    assert load_all("runs/a-b") == [written]
    assert f"wrote runs/a-b/{written.spec.file_name}.json" in caplog.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"task": None}, "task is None; expected its name, a text"),
        ({"strategy": 3}, "strategy is 3; expected its name, a text"),
        ({"backbone": ["net"]}, "backbone is ['net']; expected its name"),
        ({"recipe": None}, "recipe is None; expected its name"),
        ({"seeds": "3"}, "seeds is '3'; expected how many, a whole number, or a list"),
        ({"seeds": 2.5}, "seeds is 2.5; expected how many"),
        ({"seeds": None}, "seeds is None; expected how many"),
        ({"seeds": True}, "seeds is True; expected how many"),
        ({"seeds": []}, "seeds is []; expected how many"),
        ({"seeds": 10**9}, "seeds is 1000000000; expected 1 or more, at most 10000"),
        ({"seeds": [1, 1]}, "seeds is [1, 1]; expected different whole numbers from 0"),
        ({"seeds": [2**32]}, "expected different whole numbers from 0 to 4294967295"),
        ({"settings": {1: 2}}, "Strategy 'shift': got 1 as the name of a setting, expected a text"),
        ({"settings": "weight=1"}, "got the settings 'weight=1', expected a mapping, or a list of texts"),
        ({"settings": [3]}, "got the setting '3', expected key=value"),
        ({"out": 123}, "out is 123; expected the path of a folder"),
        ({"out": " "}, "out is ' '; expected the path of a folder"),
    ],
)
def test_values_of_another_type_are_refused_before_anything_runs(lab, world, given, told):
    with pytest.raises(SettingError) as caught:
        lab.run(**({"task": "a:b", "strategy": "shift"} | GIVEN | given))
    assert told in str(caught.value) and world.calls == []


def test_a_run_has_another_recipe_and_other_seeds(lab, world):
    given = {"seeds": [42, 7], "steps": 9, "recipe_set": {"lr": 1, "views": {"weak": "crop(2)"}}}
    spec = lab.run("a:b", "shift", **GIVEN, **given).spec
    assert (spec.recipe.lr, spec.recipe.steps, spec.recipe.views) == (1.0, 9, (("weak", "crop(2)"),))
    assert spec.seeds == (42, 7)
    again = Spec.from_json(spec.to_json())
    assert again == spec and again.recipe_set == ("lr=1.0", 'views={"weak": "crop(2)"}')
    words = shlex.split(spec.command)
    assert words[words.index("--steps") : words.index("--set")] == [
        "--steps", "9", "--seed", "42", "--seed", "7", "--recipe-set", "lr=1.0",
        "--recipe-set", 'views={"weak": "crop(2)"}',
    ]  # fmt: skip
    same = lab.run("a:b", "shift", **GIVEN, **(given | {"recipe_set": spec.recipe_set})).spec
    assert same == spec
    [swept] = lab.sweep("a:b", "shift", {"weight": [1.0]}, recipe_set=["batch=8"], **GIVEN)
    assert swept.spec.recipe.batch == 8


def test_a_run_that_fails_is_given_back(lab, world):
    world.fails["Shift"] = RuntimeError("boom")
    result = lab.run("a:b", "shift", **GIVEN)
    assert failures([result]) == ["a->b shift: RuntimeError: boom"]


def test_with_progress_the_lines_go_to_stderr(lab, bench, capsys):
    lab.progress = True
    bench(tasks=["a->b"])
    told = capsys.readouterr()
    assert told.out == "" and "3/3 a->b bad: accuracy" in told.err


def test_embeddings_need_a_folder(registry, world, tmp_path):
    lab = Lab(embeddings=True, progress=False, registry=registry)
    with pytest.raises(SettingError, match="embeddings are kept beside the results; expected `out`"):
        lab.run("a:b", "shift", **GIVEN)
    assert world.calls == []
    result = lab.run("a:b", "shift", out=tmp_path, **GIVEN)
    assert Store(tmp_path).kept(result.spec) is not None


def test_the_functions_of_the_module_are_methods_of_a_new_session(registry, world, tmp_path, monkeypatch):
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    result = tlx.run("a:b", "shift", seeds=1, **GIVEN)
    assert result.finished and result.spec.seeds == (0,)
    assert len(tlx.sweep("a:b", "shift", {"weight": [1.0, 2.0]}, **GIVEN)) == 2
    assert len(tlx.bench("tiny", out=tmp_path, strategies="shift")) == 2
    for name in ("run", "sweep", "bench"):
        method = inspect.signature(getattr(Lab, name))
        assert [*inspect.signature(getattr(tlx, name)).parameters] == [*method.parameters][1:]


class Full:
    @tlx.hookimpl
    def tlx_protocols(self, register):
        register("P-full-off", tlx.Protocol("P-full-off", "the one of a task that names none", 8, 1))


def test_a_dataset_in_memory_takes_part(registry, world):
    """Given twice it is the same one; another of its name, or of a plugin's, is refused."""
    registry.add(Full(), "full")
    random = np.random.default_rng(0)
    mine, other = (
        from_arrays("mine", (random.integers(0, 255, (30, 8, 8), np.uint8), np.arange(30) % 3), classes=("x", "y", "z"))
        for _ in range(2)
    )
    for _ in range(2):
        lab = Lab(datasets=[mine], progress=False, registry=registry)
        result = lab.run("mine->b", "shift", **GIVEN)
        assert result.finished and result.spec.task == "mine->b"
    for dataset in (other, dataclasses.replace(mine, name="b")):
        with pytest.raises(DataError, match=f"There is a dataset '{dataset.name}' already, of plugin"):
            Lab(datasets=[dataset], registry=registry)
    with pytest.raises(DataError, match="is of type list; expected a tlx.Dataset"):
        registry.add_dataset([mine])


def test_a_suite_goes_on_without_a_task_whose_data_are_absent(bench, registry, world, tmp_path):
    away = [True]

    def svhn():
        if away[0]:
            raise DataAbsent("SVHN is not here.\nBy hand: tlx data prepare svhn --from DIR")
        return registry.get("datasets", "c")

    class Svhn:
        @tlx.hookimpl
        def tlx_datasets(self, register):
            register("svhn", svhn)

        @tlx.hookimpl
        def tlx_tasks(self, register):
            register("svhn->b", tlx.Task(("svhn",), ("b",), tlx.Protocol("P-sv", "", 8, 1)))

    registry.add(Svhn(), "svhn")
    suite = tlx.Suite("s", ("svhn->b", "a->b"), ("source_only", "shift"), backbone="net", recipe="short", seeds=1)
    results = bench(suite)
    assert [result.status for result in results] == ["absent", "absent", "finished", "finished"]
    told = report(tmp_path / "out")
    assert "svhn->b (P-sv, net)\nabsent: SVHN is not here.\n" in told
    assert "a->b (tiny-8, net)" in told and failures(results) == []
    away[0] = False
    again = bench(suite)
    assert all(result.finished for result in again) and len(world.calls) == 4


def test_a_run_saves_weights_and_another_starts_from_them(lab, world, tmp_path):
    given = {**GIVEN, "seeds": 2}
    first = lab.run("a->b", "shift", save=tmp_path / "saved", **given)
    assert world.options.weights == () and first.spec.weights == ""
    second = lab.run("a->b", "shift", weights=tmp_path / "saved", **given)
    assert [tensors["fc/kernel"][0, 0] for tensors in world.options.weights] == [0, 1]
    assert second.finished and second.spec.hash != first.spec.hash
    with pytest.raises(WeightsError, match="'nowhere': there is no such file or folder"):
        lab.run("a->b", "shift", weights="nowhere", **given)


def test_weights_of_an_unknown_selection_are_refused_before_anything_runs(lab, world, tmp_path):
    with pytest.raises(UnknownName, match="Unknown selector 'oracl'. Did you mean oracle"):
        lab.run("a->b", "shift", save=tlx.Save(tmp_path, "oracl"), **GIVEN)
    assert world.calls == []


@pytest.fixture
def sweep(lab):
    def call(grid, **options):
        return lab.sweep("a:b", "shift", grid, **(GIVEN | {"seeds": 2} | options))

    return call


def test_a_sweep_takes_every_combination_in_one_grid(sweep, lab, world):
    results = sweep({"weight": [0.5, "2"], "soft": [False, True]}, settings={"depth": 3}, steps=4)
    taken = [dict(result.spec.settings) for result in results]
    assert [(item["weight"], item["soft"]) for item in taken] == [(0.5, False), (0.5, True), (2.0, False), (2.0, True)]
    assert {item["depth"] for item in taken} == {3} and {result.spec.recipe.steps for result in results} == {4}
    assert world.grids == [4] and all(result.finished for result in results)
    alone = lab.run("a:b", "shift", settings={"weight": 2.0, "depth": 3}, seeds=2, steps=4, **GIVEN)
    assert dataclasses.replace(results[2], times=alone.times) == alone


def test_a_setting_is_fixed_or_swept(sweep, world):
    with pytest.raises(SettingError, match="'weight' has one value by the settings and several by the sweep"):
        sweep({"weight": [0.5]}, settings=["weight=1"])
    assert world.grids == []


def test_a_sweep_runs_only_what_is_missing(sweep, world, tmp_path):
    first = sweep({"weight": [0.5, 1.0, 1]}, out=tmp_path)
    before = contents(tmp_path)
    again = sweep({"weight": [1.0, 0.25, 0.5]}, out=tmp_path)
    assert world.grids == [2, 1] and [again[0], again[2]] == [first[1], first[0]]
    after = contents(tmp_path)
    assert len(after) == 3 and {name: after[name] for name in before} == before
    assert sweep({"weight": [0.5]}, out=tmp_path) == first[:1] and world.grids == [2, 1]


def test_a_sweep_waits_for_the_runs_that_another_process_is_at(sweep, world, other_process, tmp_path):
    [taken] = sweep({"weight": [1.0]})
    asked = other_process(taken.spec, taken)
    results = sweep({"weight": [0.5, 1.0]}, out=tmp_path / "out")
    assert asked == [("a->b shift", False), ("a->b shift", True)] and world.grids == [1, 1]
    assert results[1] == taken and results[0].finished


def test_where_one_of_a_sweep_fails_all_do(sweep, world):
    world.fails["Shift"] = RuntimeError("boom")
    assert failures(sweep({"weight": [0.5, 1.0]})) == ["a->b shift: RuntimeError: boom"] * 2


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"wieght": [1.0]}, "has no setting 'wieght'. Did you mean weight"),
        ({"weight": ["x"]}, "got 'x', expected float"),
        ({"layers": ["1", "2"]}, "sweep over 'layers', a list"),
        ({"weight": []}, "sweep over 'weight' has no values; expected one or more"),
        ({"weight": "12"}, "sweep over 'weight': got '12'; expected a list of values"),
        ({}, "sweep over {}; expected settings and their values"),
        (None, "sweep over None; expected settings and their values"),
    ],
)
def test_a_sweep_says_what_is_wrong_before_anything_runs(sweep, world, grid, words):
    with pytest.raises(SettingError, match=words.replace(".", r"\.")):
        sweep(grid)
    assert world.grids == []


def test_what_is_saved_says_what_it_is_and_loads_from_the_facade(lab, world, tmp_path):
    """The fake engine's tensors are of no network; all that goes with them is there."""
    lab.run("a->b", "shift", save=tmp_path, **{**GIVEN, "seeds": [4]})
    with pytest.raises(UnknownName, match="Unknown strategy 'shift'"):
        tlx.load(tmp_path)
    about = About.parse(str(files.about(tmp_path / "seed-4.safetensors", "tlx")))
    assert (about.seed, about.selection, about.phase, about.step) == (4, "last", "train", 6)
    assert about.facts.names == ("x", "y", "z") and about.facts.x.shape == (0, 8, 8, 1)
    assert dict(about.spec.settings)["weight"] == 1.0 and set(about.code) == {"strategy", "backbone", "engine"}
