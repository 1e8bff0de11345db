"""By a fake of the client; with the real one and a folder, where it is installed."""

import sys
from types import SimpleNamespace

import pytest

from tlx.errors import SettingError
from tlx.runs.runner import Runner
from tlx_trackers.mlflow import MLflow


class Client:
    def __init__(self, where):
        self.where, self.experiments, self.runs, self.asked = where, {}, {}, 0

    def search_experiments(self, max_results):
        self.asked += max_results

    def get_experiment_by_name(self, name):
        found = self.experiments.get(name)
        return found and SimpleNamespace(experiment_id=found)

    def create_experiment(self, name):
        return self.experiments.setdefault(name, str(len(self.experiments) + 1))

    def create_run(self, experiment, run_name):
        key = str(len(self.runs))
        self.runs[key] = {"experiment": experiment, "name": run_name, "metrics": [], "params": {}, "tags": {}}
        return SimpleNamespace(info=SimpleNamespace(run_id=key))

    def log_param(self, run, key, value):
        self.runs[run]["params"][key] = value

    def log_metric(self, run, key, value, step):
        self.runs[run]["metrics"].append((key, value, step))

    def set_tag(self, run, key, value):
        self.runs[run]["tags"][key] = value

    def set_terminated(self, run, status):
        self.runs[run]["status"] = status


@pytest.fixture
def tracker(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=Client))
    return MLflow("somewhere")


def test_seeds_are_runs_of_one_experiment(registry, world, job, tracker):
    with registry.observing(tracker):
        result = Runner(registry)(job)
    assert not registry.problems and tracker.client.where == "somewhere" and tracker.client.asked
    runs = tracker.client.runs
    assert tracker.client.experiments == {"tlx": "1"} and {run["experiment"] for run in runs.values()} == {"1"}
    for place, run in enumerate(runs.values()):
        assert run["name"] == f"a->b shift seed {place}" and run["params"]["seed"] == place
        assert ("final/last", result.accuracy("last")[place], result.curves[-1].step) in run["metrics"]
        assert run["status"] == "FINISHED" and run["tags"] == {"command": result.command}


def test_a_failed_run_is_one_there(registry, world, job, tracker):
    world.fails["Shift"] = RuntimeError("boom" * 2000)
    with registry.observing(tracker):
        Runner(registry)(job)
    for run in tracker.client.runs.values():
        assert run["status"] == "FAILED" and len(run["tags"]["error"]) == 5000


def test_without_mlflow_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[mlflow\]'"):
        MLflow("mlruns")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_real_one_keeps_runs_in_a_folder(registry, world, job, monkeypatch, tmp_path):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracker = MLflow(str(tmp_path))
    with registry.observing(tracker):
        result = Runner(registry)(job)
    assert not registry.problems
    [experiment] = [item for item in tracker.client.search_experiments() if item.name == "tlx"]
    found = tracker.client.search_runs([experiment.experiment_id])
    finals = {run.data.params["seed"]: run.data.metrics["final/last"] for run in found}
    assert finals == pytest.approx({str(seed): value for seed, value in enumerate(result.accuracy("last"))})
    [first, *_] = found
    history = tracker.client.get_metric_history(first.info.run_id, "accuracy/target")
    assert [item.step for item in history] == [point.step for point in result.curves]
