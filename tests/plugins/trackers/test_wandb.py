"""By a fake of the module; with the real one, offline, where it is installed."""

import sys
from types import SimpleNamespace

import pytest

from tlx.errors import SettingError
from tlx.runs.runner import Runner
from tlx_trackers.wandb import WandB


class Run:
    def __init__(self, **given):
        self.given, self.rows, self.ended, self.steps = given, [], None, None
        self.config = dict(given["config"])

    def define_metric(self, name, step_metric):
        self.steps = (name, step_metric)

    def log(self, row):
        self.rows.append(row)

    def finish(self, exit_code):
        self.ended = exit_code


@pytest.fixture
def runs(monkeypatch):
    made = []

    def init(**given):
        made.append(Run(**given))
        return made[-1]

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    return made


def test_seeds_are_runs_of_a_group(registry, world, job, runs):
    with registry.observing(WandB("mine")):
        result = Runner(registry)(job)
    assert not registry.problems
    assert [run.given["project"] for run in runs] == ["mine"] * 2
    assert {run.given["group"] for run in runs} == {job.spec.file_name}
    assert all(run.given["reinit"] == "create_new" for run in runs), "seeds are open at the same time"
    for place, run in enumerate(runs):
        assert run.steps == ("*", "step") and run.ended == 0 and run.config["command"] == result.command
        assert run.rows[-1]["final/last"] == result.accuracy("last")[place]
        assert all("step" in row for row in run.rows)


def test_a_failed_run_is_one_there(registry, world, job, runs):
    world.fails["Shift"] = RuntimeError("boom")
    with registry.observing(WandB("mine")):
        Runner(registry)(job)
    assert [(run.ended, "boom" in run.config["error"]) for run in runs] == [(1, True)] * 2


def test_without_wandb_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[wandb\]'"):
        WandB("mine")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_real_one_writes_a_folder_for_each_seed(registry, world, job, monkeypatch, tmp_path):
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    with registry.observing(WandB("mine")):
        Runner(registry)(job)
    assert not registry.problems
    assert len(list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))) == 2
