import dataclasses
import json

import numpy as np
import pytest

import tlx.data
from tlx import hookimpl
from tlx.data import LabelSpace, Protocol, from_arrays
from tlx.errors import ContractError, DataAbsent, ResultError, SettingError
from tlx.observers.progress import in_words
from tlx.report import FORMATS, render
from tlx.runs import absences, failures, identity, load_all
from tlx.runs import resolve as resolving
from tlx.runs import runner as module
from tlx.runs.result import LabelSpaceCounts, Left, Result
from tlx.runs.runner import Runner, Save
from tlx.runs.spec import Spec
from tlx.runs.store import Store
from tlx.score import Selector, scores
from tlx.weights.source import read


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
    assert (result.metric, result.targets()) == ("accuracy", {})
    assert result.space == LabelSpaceCounts(3, 0, 0, False)
    assert result.classes == ("x", "y", "z") and result.rows == {"source": [4, 4, 4], "test": [3, 3, 3]}


def test_scores_of_each_seed_under_each_policy(world, result):
    data, (outcome,) = world.data, world.outcomes
    for seed in range(2):
        logits = [evaluation.target_logits[seed] for evaluation in outcome.evaluations]
        last, oracle = (result.selections[name].scores[seed] for name in ("last", "oracle"))
        assert dataclasses.asdict(last) == {"step": 6, "targets": {}, "metrics": {}, **scores(logits[-1], data.test.y)}
        assert oracle.accuracy == max(np.mean(item.argmax(axis=1) == data.test.y) for item in logits)
    assert {name: item.uses_target_labels for name, item in result.selections.items()} == {
        "last": False,
        "oracle": True,
    }


def test_curves_have_every_evaluation(result):
    assert [point.step for point in result.curves] == [2, 4, 6]
    point = result.curves[-1]
    assert point.metrics == {"loss": [0.166667, None]}
    assert point.target == result.accuracy("last") and len(point.source_val) == 2


def test_only_the_last_phase_is_selected_from(registry, world, job):
    world.phases = ("warm", "adapt")
    result = Runner(registry)(job)
    assert [point.phase for point in result.curves] == ["warm"] * 3 + ["adapt"] * 3
    assert all(score.step > 3 for score in result.selections["oracle"].scores)
    best = [max(point.target[seed] for point in result.curves if point.phase == "adapt") for seed in range(2)]
    assert result.accuracy("oracle") == best


def test_the_same_job_gives_the_same_but_for_the_times(registry, job, result):
    again = Runner(registry)(job)
    assert dataclasses.replace(again, times=result.times) == result


@pytest.mark.parametrize(
    ("error", "message"),
    [(ContractError("it broke"), "it broke"), (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero")],
)
def test_a_run_that_raises_is_a_failed_result(registry, world, job, error, message):
    world.fails["Shift"] = error
    ears = Ears()
    with registry.observing(ears):
        result = Runner(registry)(job)
    assert (result.status, result.error, result.selections) == ("failed", message, {})
    assert result.traceback is not None and type(error).__name__ in result.traceback
    assert len(result.code) == len(result.data_hash) == 64 and result.setting == "unsupervised"
    assert ears.heard == [("started", "shift"), ("finished", "failed")]


def test_an_error_that_names_a_file_of_odd_bytes_can_be_read_again(registry, world, job, tmp_path):
    world.fails["Shift"] = FileNotFoundError("no \udcff.npz")
    result = Runner(registry, Store(tmp_path))(job)
    assert result.error == r"FileNotFoundError: no \udcff.npz" and Store(tmp_path).read(job.spec) == result


def test_a_run_that_another_process_is_at_is_left_or_waited_for(registry, world, job, tmp_path):
    store = Store(tmp_path)
    with store.claim([job.spec]):
        left = Runner(registry, store, filling="leave")(job)
    assert isinstance(left, Left) and left.spec == job.spec and world.calls == [] and store.read(job.spec) is None
    first = Runner(registry, store, filling="leave")(job)
    assert [Runner(registry, store, filling=how)(job) for how in ("leave", "wait")] == [first] * 2
    assert Runner(registry, store)(job).finished and world.calls == ["Shift"] * 2


def test_every_result_is_built_once(registry, world, job, monkeypatch):
    """Finished, failed and absent; none is changed after it was made."""
    made, init = [], Result.__init__

    def counted(self, *args, **fields):
        init(self, *args, **fields)
        made.append(self.status)

    monkeypatch.setattr(Result, "__init__", counted)
    runner = Runner(registry)
    assert runner(job).finished
    world.fails["Shift"] = RuntimeError("boom")
    assert runner(job).status == "failed"

    def away(*_):
        raise DataAbsent("it is away")

    monkeypatch.setattr(identity, "load_task", away)
    assert Runner(registry)(job).status == "absent"
    assert made == ["finished", "failed", "absent"]


def test_interruption_is_not_a_failure(registry, world, job):
    world.fails["Shift"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Runner(registry)(job)


def test_observers_and_plugins_hear_of_a_run(registry, world, job):
    ears, heard = Ears(), []

    class Observing:
        @hookimpl
        def tlx_round_finished(self, spec, progress):
            heard.append(progress.step)

        @hookimpl
        def tlx_run_finished(self, spec, result):
            heard.append(result.status)

    registry.add(Observing(), "observing")
    with registry.observing(ears):
        Runner(registry)(job)
    assert ears.heard == [("started", "shift"), ("round", 1), ("round", 2), ("round", 3), ("finished", "finished")]
    assert heard == [2, 4, 6, "finished"]


@pytest.mark.parametrize("event", ["tlx_run_started", "tlx_round_finished", "tlx_run_finished"])
def test_an_observer_that_raises_stops_no_run_and_is_named_in_the_log(lab, registry, event, caplog):
    class Broken:
        pass

    arguments = {"tlx_run_started": "spec", "tlx_round_finished": "spec, progress", "tlx_run_finished": "spec, result"}
    space: dict = {}
    exec(f"def {event}(self, {arguments[event]}): raise RuntimeError('deaf')", space)
    setattr(Broken, event, space[event])
    lab.observers = (Broken(), ears := Ears())
    result = lab.run("a->b", "shift", backbone="net", recipe="short", seeds=2)
    assert result.finished and ears.heard[-1] == ("finished", "finished") and len(ears.heard) == 5
    assert f"plugin 'Broken': {event} failed: RuntimeError: deaf" in caplog.text
    lab.observers = ()
    lab.run("a->b", "shift", backbone="net", recipe="short", seeds=2)
    assert len(ears.heard) == 5, "it still hears after its session"


def test_a_selector_that_fails_loses_no_run(registry, world, job, caplog):
    def fail(evidence):
        raise RuntimeError("no idea")

    registry.get("selectors", "oracle").score = fail
    result = Runner(registry)(job)
    assert result.finished and list(result.selections) == ["last"]
    assert "selector 'oracle' failed and is left out: RuntimeError: no idea" in caplog.text


def test_data_that_cannot_be_loaded_fail_the_run(registry, world, job, monkeypatch):
    def refuse(*_):
        raise OSError("gone")

    monkeypatch.setattr("tlx.runs.identity.load_task", refuse)
    assert Runner(registry)(job).error == "OSError: gone"


def test_data_are_loaded_once_a_task(registry, world, job_of, monkeypatch):
    loaded, load = [], identity.load_task
    monkeypatch.setattr(identity, "load_task", lambda task, find: loaded.append(task.name) or load(task, find))
    runner = Runner(registry)
    for task in ("a->b", "a->b", "a->c"):
        assert runner(job_of(task)).finished
    assert loaded == ["a->b", "a->c"]


def test_as_json_it_loads_the_plugins_of_the_spec_and_keeps_what_it_writes(
    registry, world, job_of, monkeypatch, tmp_path
):
    files = []
    for place in (module, resolving):
        monkeypatch.setattr(place, "load_registry", lambda names: files.append(names) or registry)
    store = Store(tmp_path)
    run = Runner(registry, store, True, Save(tmp_path / "saved", "oracle"))
    ears, spec = Ears(), job_of(plugins=["x.py"]).spec
    fields, spec = json.loads(json.dumps([run.to_json(), spec.to_json()]))
    runner, job = Runner.from_json(fields, ears), resolving.rebuild(Spec.from_json(spec))
    assert runner.registry is None and runner.embeddings and runner.save == Save(str(tmp_path / "saved"), "oracle")
    result = runner(job)
    assert result.finished and files == [("x.py",)] * 2 and len(ears.heard) == 5
    assert store.read(job.spec) == result and store.kept(job.spec) is not None


def test_a_task_whose_data_are_absent_is_absent_for_every_strategy_and_asked_for_once(registry, world, job, job_of):
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
    results = [runner(job_of("svhn:a", name, seeds=1)) for name in ("shift", "bad")]
    assert [item.status for item in results] == ["absent", "absent"] and asked == ["away"]
    assert results[0].error == "SVHN is not here: tlx data prepare svhn" and results[0].traceback is None
    assert not results[0].finished and Result.parse(results[0].text()) == results[0]
    assert failures(results) == [] and absences(results) == [f"svhn->a@P-full-off: {results[0].error}"]
    assert runner(job).finished and world.calls == ["Shift"]
    assert in_words(results[0]) == f"absent: {results[0].error}"


def test_the_protocol_of_the_spec_is_the_one_that_runs(registry, world, job_of):
    class Small:
        @hookimpl
        def tlx_protocols(self, register):
            register("P-4", Protocol("P-4", "", 4, None))

    registry.add(Small(), "small")
    shapes, labelled = [], []
    runner = Runner(registry)
    for task in ("a:b", "a:b@P-4", "a:b@P-4/2"):
        result = runner(job_of(task, seeds=1))
        assert result.finished, result.traceback
        shapes.append(world.data.source.x.shape[1])
        labelled.append(len(world.data.labelled.y))
    assert shapes == [8, 4, 4]
    assert labelled == [12, 12, 6] and result.spec.protocol == "P-4/2"
    assert (result.spec.task, result.spec.full_task) == ("a->b/2", "a->b@P-4/2")
    assert result.spec.command.startswith("tlx run a:b@P-4/2 shift")


class Wide:
    """Protocols of other label spaces, a task to two targets, and a domain of real targets."""

    @hookimpl
    def tlx_protocols(self, register):
        spaces = {
            "P-open": LabelSpace(("x", "y"), ("x", "y", "z"), unknown=True),
            "P-partial": LabelSpace(("x", "y", "z"), ("x", "y")),
            "P-new": LabelSpace(("x", "y"), ("z",), novel=True),
            "P-grown": LabelSpace(("x", "y"), ("x", "y", "z"), novel=True),
        }
        for name, space in spaces.items():
            register(name, Protocol(name, "", 8, 1, labels=space))
        register("P-8", Protocol("P-8", "", 8, 1))

    @hookimpl
    def tlx_datasets(self, register):
        for name in ("m", "n"):
            register(name, lambda name=name: _real(name))
        register("bare", _bare)


def _bare():
    """The first domain's images without their labels."""
    images = np.random.default_rng(7).integers(0, 255, (21, 8, 8, 1), np.uint8)
    return from_arrays("bare", (images[:12], None), (images[12:], None))


def _real(name):
    rng = np.random.default_rng(len(name) + ord(name[0]))

    def split(part, rows):
        x = rng.normal(size=(rows, 5)).astype(np.float32)
        origin = np.array([f"{name}/{part}/{row}" for row in range(rows)])
        return tlx.Arrays(x, x[:, :2] * 2, origin)

    return tlx.Dataset(name, split("train", 12), split("test", 9), (), tlx.data.Vector(), "real")


@pytest.mark.parametrize(
    ("protocol", "counts", "outputs"),
    [("P-open", LabelSpaceCounts(2, 0, 1, True), 3), ("P-partial", LabelSpaceCounts(2, 1, 0, False), 3)],
)
def test_the_counts_of_a_label_space_are_in_the_result(registry, world, job_of, protocol, counts, outputs):
    registry.add(Wide(), "wide")
    result = Runner(registry)(job_of(f"a->b@{protocol}"))
    assert result.finished, result.traceback
    assert result.space == counts and Result.parse(result.text()) == result
    found = result.selections["last"].scores
    assert [len(score.confusion) for score in found] == [outputs] * 2
    names = {"os", "known", "unknown", "hos", "all", "oscr", "auroc"} if counts.unknown else set()
    assert [set(score.metrics) for score in found] == [names] * 2
    assert result.metric == ("hos" if counts.unknown else "accuracy")
    if counts.unknown:
        assert result.values("hos") == result.accuracy() == [score.metrics["hos"] for score in found]
    assert result.values("mean_per_class") == [score.mean_per_class for score in found]
    wrong = "accuracy" if counts.unknown else "hos"
    with pytest.raises(SettingError, match=f"no metric '{wrong}'"):
        result.values(wrong)


@pytest.mark.parametrize(
    ("task", "metric", "counts", "names"),
    [
        ("a->b@P-new", "cluster", LabelSpaceCounts(0, 2, 1, False), set()),
        ("a->b@P-grown/2", "accuracy", LabelSpaceCounts(2, 0, 1, False), {"old", "new"}),
    ],
)
def test_new_classes_are_scored_by_clusters_or_by_name(registry, world, job_of, task, metric, counts, names):
    registry.add(Wide(), "wide")
    result = Runner(registry)(job_of(task))
    assert result.finished, result.traceback
    assert result.space == counts and result.metric == metric and result.classes == ("x", "y", "z")
    assert Result.parse(result.text()) == result and len(world.data.labelled.y) == (0 if metric == "cluster" else 6)
    for score in result.selections["last"].scores:
        hits = np.diag(score.confusion).sum() / np.sum(score.confusion)
        assert score.accuracy == pytest.approx(hits) and set(score.metrics) == names
        if names:
            assert score.metrics["old"] == pytest.approx(np.mean(np.asarray(score.recall[:2], np.float64)))
            assert score.metrics["new"] == score.recall[2]
    wrong = "accuracy" if metric == "cluster" else "hos"
    with pytest.raises(SettingError, match=f"no metric '{wrong}'"):
        result.values(wrong)


def test_several_targets_have_a_score_each(registry, world, job_of):
    registry.add(Wide(), "wide")
    result = Runner(registry)(job_of("a->b->c@P-8"))
    assert result.finished, result.traceback
    targets, test = result.targets("oracle"), world.data.test
    assert list(targets) == ["b", "c"] and Result.parse(result.text()) == result
    for seed, accuracy in enumerate(result.accuracy("oracle")):
        shares = [(test.domain == number).mean() for number in (1, 2)]
        assert accuracy == pytest.approx(
            sum(share * targets[name][seed] for share, name in zip(shares, "bc", strict=True))
        )


def test_real_targets_are_scored_by_r2(registry, world, job_of):
    registry.add(Wide(), "wide")
    result = Runner(registry)(job_of("m->n@P-8"))
    assert result.finished, result.traceback
    assert result.metric == "r2" and Result.parse(result.text()) == result
    [outcome], test = world.outcomes, world.data.test
    for seed, value in enumerate(result.accuracy("last")):
        outputs = outcome.evaluations[-1].target_logits[seed]
        parts = [1 - np.mean((test.y[:, k] - outputs[:, k]) ** 2) / np.var(test.y[:, k]) for k in range(2)]
        assert value == pytest.approx(np.mean(parts), rel=1e-5)
    score = result.selections["last"].scores[0]
    assert list(result.selections) == ["last"] and set(score.metrics) == {"rmse", "mae"}
    assert (score.recall, score.confusion, score.macro_f1, score.f1, score.precision) == ([], [], None, [], [])
    assert in_words(result).startswith("R^2 ")


def test_a_target_without_labels_is_judged_and_not_scored(registry, world, job_of):
    registry.add(Wide(), "wide")
    result = Runner(registry)(job_of("a->bare@P-8"))
    assert result.finished, result.traceback
    assert result.metric is None and Result.parse(result.text()) == result
    assert set(result.selections) == {"last"} and [point.target for point in result.curves] == [[]] * 3
    assert [(score.step, score.accuracy, score.confusion) for score in result.selections["last"].scores] == [
        (6, None, []),
        (6, None, []),
    ]
    with pytest.raises(SettingError, match="the target has no labels, so nothing can be scored"):
        result.accuracy("last")
    assert in_words(result).startswith("no labels to score by [n=2]")
    for format in FORMATS:
        assert render([result], format)
    assert "– the target has no labels: nothing can be scored" in render([result])
    scored = dataclasses.replace(result, metric="accuracy")
    with pytest.raises(ValueError, match="it has no score"):
        Result.parse(scored.text())


def test_the_weights_of_a_selection_are_saved(registry, world, job, tmp_path):
    """The kernel of the fake engine holds the place of the seed and that of the evaluation."""
    runner = Runner(registry, save=Save(tmp_path / "last"))
    assert runner(job).finished and not world.options.keep_weights
    assert [read(tmp_path / "last", seed)["fc/kernel"].tolist() for seed in (0, 1)] == [[[0, 2]], [[1, 2]]]
    world.phases = ("warm", "adapt")
    result = Runner(registry, save=Save(tmp_path / "best", "oracle"))(job)
    assert result.finished and world.options.keep_weights
    for seed, score in enumerate(result.selections["oracle"].scores):
        [[own, place]] = read(tmp_path / "best", seed)["fc/kernel"]
        assert own == seed and result.curves[int(place)].step == score.step > 3


def test_weights_of_a_selector_that_does_not_judge_are_refused(registry, world, job, tmp_path, caplog):
    class Deep(Selector):
        needs_source = True

        def score(self, evidence):
            raise RuntimeError("no idea")

    class Selectors:
        @hookimpl
        def tlx_selectors(self, register):
            register("deep", Deep)

    registry.add(Selectors(), "selectors")
    result = Runner(registry, save=Save(tmp_path / "saved", "deep"))(job)
    assert result.finished and not (tmp_path / "saved").exists()
    assert "no weights are saved, since 'deep' failed" in caplog.text


@pytest.fixture
def carry(tmp_path):
    """The hidden folders of saved carries in the store."""
    return lambda: [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_run_with_a_store_is_saved_and_cleared_when_its_result_is_written(registry, world, job, tmp_path, carry):
    store, seen = Store(tmp_path), []

    class Watching:
        def tlx_round_finished(self, spec, progress):
            seen.append(carry())

    with registry.observing(Watching()):
        Runner(registry, store)(job)
    [folder] = seen[0]
    assert folder.name.startswith(".") and seen == [[folder]] * 3 and carry() == []
    assert world.options.saved.folder == folder and store.read(job.spec) is not None
    Runner(registry)(job)
    assert world.options.saved is None


def test_what_has_to_be_equal_to_go_on(registry, world, job, job_of, tmp_path):
    def identity(job):
        Runner(registry, Store(tmp_path))(job)
        return world.options.saved.folder, world.options.saved.identity

    folder, facts = identity(job)
    assert set(facts) == {"spec", "data", "code", "tlx", "jax", "kept"} and all(facts.values())
    assert facts["tlx"].startswith(f"{tlx.__version__} ") and facts["jax"][0].isdigit()
    assert identity(job) == (folder, facts)
    other, changed = identity(job_of(settings={"weight": 3.0}))
    assert other != folder and {key for key in facts if facts[key] != changed[key]} == {"spec"}
    Runner(registry, Store(tmp_path), save=Save(tmp_path / "saved", "oracle"))(job)
    changed = world.options.saved.identity
    assert {key for key in facts if facts[key] != changed[key]} == {"kept"}, "the weights of the rounds before are gone"


def test_a_failed_or_interrupted_run_keeps_what_it_saved(registry, world, job, tmp_path, carry):
    store = Store(tmp_path)
    world.fails["Shift"] = RuntimeError("boom")
    assert Runner(registry, store)(job).status == "failed" and len(carry()) == 1
    world.fails["Shift"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Runner(registry, store)(job)
    assert len(carry()) == 1
    world.fails.clear()
    assert Runner(registry, store)(job).finished and carry() == []


def test_a_result_that_cannot_be_written_keeps_what_was_saved(registry, world, job, tmp_path, carry, monkeypatch):
    def fail(*_):
        raise tlx.ResultError("the disk is full")

    monkeypatch.setattr(Store, "write", fail)
    with pytest.raises(tlx.ResultError):
        Runner(registry, Store(tmp_path))(job)
    assert len(carry()) == 1


ENDS = [SystemExit(3), GeneratorExit("odd"), BaseException("odd")]


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_what_would_end_the_program_fails_its_run_and_the_others_go_on(lab, world, tmp_path, error):
    world.fails["Shift"] = error
    results = lab.bench("tiny", tasks=["a->b"], out=tmp_path)
    assert [item.status for item in results] == ["finished", "failed", "finished"]
    assert results[1].error == f"{type(error).__name__}: {error}" and Store(tmp_path).read(results[2].spec)


def test_what_cannot_be_saved_ends_the_suite_and_is_no_failed_run(lab, world, tmp_path):
    """As on a full disk: the other runs would fail as well."""
    world.fails["Shift"] = ResultError("The run cannot be saved in x: No space left on device.")
    with pytest.raises(ResultError, match="cannot be saved in x"):
        lab.bench("tiny", tasks=["a->b"], out=tmp_path)
    assert [item.spec.strategy for item in load_all(tmp_path)] == ["source_only"]
    assert not list(tmp_path.glob(".*.claim"))
    world.fails.clear()
    assert len(lab.bench("tiny", tasks=["a->b"], out=tmp_path)) == 3


def test_an_interruption_that_somebody_made_another_error_of_ends_the_runs(registry, world, job):
    error = RuntimeError("wrapped")
    error.__cause__ = KeyboardInterrupt()
    world.fails["Shift"] = error
    with pytest.raises(KeyboardInterrupt):
        Runner(registry)(job)


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("hook", ["tlx_run_started", "tlx_round_finished", "tlx_run_finished"])
def test_what_would_end_the_program_in_an_observer_is_named_and_loses_no_run(lab, world, tmp_path, hook, error, caplog):
    class Ends:
        def __getattr__(self, name):
            raise AttributeError(name)

    def fail(self, spec):
        raise error

    setattr(Ends, hook, fail)
    lab.observers = (Ends(), ears := Ears())
    results = lab.bench("tiny", tasks=["a->b"], out=tmp_path)
    assert all(item.finished for item in results) and len(world.calls) == 3
    assert f"{hook} failed: {type(error).__name__}" in caplog.text
    assert [item for item in ears.heard if item[0] == "finished"] == [("finished", "finished")] * 3


def test_a_result_is_written_before_anybody_hears_of_it(lab, world, tmp_path):
    found = []

    class Looks:
        def tlx_run_finished(self, spec, result):
            found.append(Store(tmp_path).read(spec) == result)
            raise KeyboardInterrupt  # of the user: this one ends it

    lab.observers = (Looks(),)
    with pytest.raises(KeyboardInterrupt):
        lab.bench("tiny", tasks=["a->b"], out=tmp_path)
    assert found == [True]


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_what_would_end_the_program_in_a_selector_or_a_dataset_is_named(lab, registry, world, job_of, error, caplog):
    def fail(*_):
        raise error

    registry.get("selectors", "oracle").score = fail

    class Data:
        @hookimpl
        def tlx_datasets(self, register):
            register("ends", fail)

        @hookimpl
        def tlx_protocols(self, register):
            register("P-full-off", Protocol("P-full-off", "", None, None))

    registry.add(Data(), "data")
    result = Runner(registry)(job_of())
    assert result.finished and f"selector 'oracle' failed and is left out: {type(error).__name__}" in caplog.text
    failed = Runner(registry)(job_of("ends->a"))
    assert failed.status == "failed" and failed.error == (
        f"plugin 'data', dataset 'ends': it raised {type(error).__name__}: {error}"
    )
