"""Suites in real processes, a plugin file of their own: seconds each, so they are few."""

import json
import os
import signal
import threading

import pytest
from elsewhere import PLUGIN, bare

from tlx import Lab
from tlx.executors import Place, Process
from tlx.plugins import Registry
from tlx.runs import load_all
from tlx.runs.claims import Claims
from tlx.runs.runner import Runner
from tlx.runs.store import Store
from tlx_executors.local import Local

pytestmark = [pytest.mark.slow, pytest.mark.data]


class Kills:
    """An observer that kills the process of a run at its first round, once for each run."""

    def __init__(self, folder):
        self.claims, self.killed, self.finished = Claims(folder), set(), []

    def tlx_round_finished(self, spec, progress):
        if spec.hash not in self.killed:
            self.killed.add(spec.hash)
            for name, holder, _ in self.claims.living():
                if name == spec.file_name:
                    os.kill(holder.process, signal.SIGKILL)

    def tlx_run_finished(self, spec, result):
        self.finished.append(spec.hash)


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def test_two_processes_give_what_one_does_and_survive_kills(plugin, tmp_path):
    kills = Kills(tmp_path / "local")
    local = Lab([plugin], [kills], executor=Local(2), embeddings=True, progress=False)
    results = local.bench("five", out=tmp_path / "local")
    assert all(item.finished for item in results), [item.error for item in results]
    assert len(kills.killed) == 5 and sorted(kills.finished) == sorted({item.spec.hash for item in results}), (
        "one was told twice"
    )
    store = Store(tmp_path / "local")
    assert all(store.kept(item.spec) is not None for item in results) and load_all(store.folder)
    [first, *_] = results
    affinity = os.sched_getaffinity(0)
    alone = Store(tmp_path / "one")
    alone.prepare()
    run = Runner(Registry.load([plugin]), alone, embeddings=True)
    one = Process(Place(0, (min(affinity),)), run)
    try:
        again = one.grid([local._suite("five", None, (), None)[0][0]], lambda *_: None)
    finally:
        one.end()
    assert bare(again) == bare([first])
    assert not [path.name for path in store.folder.iterdir() if path.name.startswith(".")] or not store.prepare()
    assert [path.name for path in store.folder.iterdir() if path.name.startswith(".")] == []


def test_a_run_that_kills_its_process_twice_is_a_failed_result(plugin, tmp_path):
    lab = Lab([plugin], executor=Local(1), progress=False)
    results = lab.bench("five", out=tmp_path, strategies=["deadly", "source_only"])
    assert [item.status for item in results] == ["failed", "finished"]
    log = tmp_path / "logs" / "worker-0.log"
    assert results[0].error == (
        f"tried twice: its process was killed by SIGKILL, as for lack of memory; its log is {log}"
    )
    assert log.read_text().count("about to die") == 2 and threading.active_count() < 20
    assert json.loads(next(tmp_path.glob("*deadly*.json")).read_text())["status"] == "failed"
