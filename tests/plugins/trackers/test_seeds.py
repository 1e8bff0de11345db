"""What a tracker is told of a run, whatever it does with it, and that one that fails costs nothing."""

import dataclasses

import pytest

from tlx import Lab, Suite, hookimpl
from tlx.errors import SettingError, UnknownName
from tlx.runs.runner import Runner
from tlx_trackers.seeds import Seeds


class Told(Seeds):
    """Keeps what it is told, by seed; fails in `failing`."""

    def __init__(self, where="", failing=""):
        super().__init__()
        self.where, self.failing, self.runs = where, failing, []

    def start(self, spec, seed, facts):
        self._fail("start")
        self.runs.append({"facts": facts, "values": [], "end": None})
        return self.runs[-1]

    def write(self, run, values, step):
        self._fail("write")
        run["values"].append((step, values))

    def end(self, run, texts, failed):
        self._fail("end")
        run["end"] = (texts, failed)

    def _fail(self, where):
        if where == self.failing:
            raise ConnectionError("the server is gone")


def test_each_seed_is_a_run_with_its_curves_and_final_scores(registry, world, job):
    told = Told()
    with registry.observing(told):
        result = Runner(registry)(job)
    assert [run["facts"]["seed"] for run in told.runs] == list(job.spec.seeds) and told.going == {}
    for place, run in enumerate(told.runs):
        facts = run["facts"]
        assert (facts["task"], facts["strategy"], facts["set.mode"]) == ("a->b", "shift", "mean")
        merged = {}
        for step, values in run["values"]:
            merged.setdefault(step, {}).update(values)
        assert {point.step for point in result.curves} <= set(merged)
        for point in result.curves:
            assert merged[point.step]["accuracy/target"] == point.target[place]
            assert merged[point.step]["selector/last"] == point.step
        last = merged[result.curves[-1].step]
        assert last["final/oracle"] == result.accuracy("oracle")[place]
        assert run["end"] == ({"command": result.command}, False)


def test_a_failed_run_ends_with_its_error(registry, world, job):
    world.fails["Shift"], told = RuntimeError("boom"), Told()
    with registry.observing(told):
        Runner(registry)(job)
    assert all("boom" in run["end"][0]["error"] and run["end"][1] for run in told.runs)


def test_a_run_that_starts_again_ends_the_one_before(registry, world, job):
    told = Told()
    told.tlx_run_started(job.spec)
    told.tlx_run_started(job.spec)
    assert [run["end"] for run in told.runs] == [({}, True)] * 2 + [None] * 2


def test_a_score_that_is_not_there_is_not_written(registry, world, job):
    told = Told()
    with registry.observing(told):
        result = Runner(registry)(job)
    bare = dataclasses.replace(result.curves[0], target=[], selectors={"im": [None, 0.5]})
    told.runs.clear()
    told.tlx_run_started(job.spec)
    told.tlx_run_finished(job.spec, dataclasses.replace(result, curves=[bare], metric=None))
    source = bare.source_val
    assert [run["values"] for run in told.runs] == [
        [(bare.step, {"score/source_val": source[0]})],
        [(bare.step, {"selector/im": 0.5, "score/source_val": source[1]})],
    ]


@pytest.mark.parametrize("failing", ["start", "write", "end"])
def test_a_tracker_that_fails_costs_no_result(registry, world, job, failing):
    whole = Runner(registry)(job)
    with registry.observing(Told(failing=failing)):
        result = Runner(registry)(job)
    assert result.finished and result.selections == whole.selections and result.curves == whole.curves
    assert all("ConnectionError: the server is gone" in str(problem) for problem in registry.problems)
    assert registry.problems


@pytest.fixture
def trackers(registry):
    class Plugin:
        @hookimpl
        def tlx_trackers(self, register):
            register("told", Told)
            register("broken", lambda where: 1 / 0)

    registry.add(Plugin(), "trackers")
    return registry


def test_a_lab_names_its_trackers(trackers):
    lab = Lab(track=["told:here:8080"], registry=trackers)
    assert isinstance(lab.observers[0], Told) and lab.observers[0].where == "here:8080"
    assert len(Lab(track="told:x", registry=trackers).observers) == 1


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("tolt:x", UnknownName, "Unknown tracker 'tolt'. Did you mean told"),
        ("told", SettingError, "Tracker 'told' says not where it writes; expected told:WHERE. Keeps what"),
        ("told: ", SettingError, "expected told:WHERE"),
        ("broken:x", SettingError, "Tracker 'broken:x' cannot start: ZeroDivisionError"),
    ],
)
def test_a_tracker_that_cannot_start_is_refused_before_anything_runs(trackers, text, kind, message):
    with pytest.raises(kind, match=message):
        Lab(track=text, registry=trackers)


@pytest.mark.slow
@pytest.mark.data
def test_runs_of_other_processes_are_told_too(tmp_path):
    from tlx_executors.local import Local

    told = Told()
    suite = Suite("two", ("mnist5k->optdigits",), ("source_only", "coral"), backbone="mlp", recipe="smoke", seeds=2)
    lab = Lab(observers=[told], executor=Local(2), progress=False)
    results = lab.bench(suite, out=tmp_path)
    assert all(result.finished for result in results)
    assert {(run["facts"]["strategy"], run["facts"]["seed"]) for run in told.runs} == {
        (name, seed) for name in suite.strategies for seed in (0, 1)
    }
    for run in told.runs:
        names = {name for _, values in run["values"] for name in values}
        assert {"accuracy/target", "final/last"} <= names and any(name.startswith("train/") for name in names)
        assert run["end"][1] is False
