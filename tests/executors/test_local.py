"""Suites in real processes, a plugin file of their own: seconds each, so they are few."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from elsewhere import PLUGIN, bare, by_one_thread

from tlx import Lab
from tlx.runs import load_all
from tlx.runs.claims import Claims
from tlx.runs.store import Store
from tlx_executors.local import Local

pytestmark = [pytest.mark.slow, pytest.mark.data]
CELLS = Path(__file__).parents[2] / "benchmarks/torture/cells.py"


class Told:
    """An observer that notes whose runs are finished."""

    def __init__(self, names):
        self.names = names

    def tlx_run_finished(self, spec, result):
        self.names.append(spec.strategy)


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def test_two_processes_give_what_one_does(plugin, tmp_path):
    names, told = ["source_only", "coral"], []
    lab = Lab([plugin], [Told(told)], executor=Local(2), embeddings=True, progress=False)
    results = lab.bench("five", out=tmp_path / "local", strategies=names)
    assert bare(results) == bare(by_one_thread(plugin, tmp_path / "one", strategies=names))
    assert sorted(told) == sorted(names) and all(item.finished for item in results)
    store = Store(tmp_path / "local")
    assert all(store.kept(item.spec) is not None for item in results) and hidden(store.folder) == []


def test_five_kills_in_a_suite_lose_and_repeat_nothing(tmp_path):
    """Of its cells the training alone is made up (benchmarks/torture); a process is killed a while after its claim."""
    own = {"TLX_PLUGINS": "executors", "TORTURE_HOST": "here", "TORTURE_LEASE": "60", "TORTURE_SECONDS": "0.2"}
    environ = {**os.environ, **own, "TORTURE_NOTES": str(tmp_path / "notes")}
    claims, since, killed = Claims(tmp_path / "local"), {}, set()

    def bench(name, *words):
        command = [sys.executable, "-c", "from tlx.cli import main; main()", "bench", "tiny", "--plugin", str(CELLS)]
        return subprocess.Popen([*command, "--out", str(tmp_path / name), *words], env=environ)

    with bench("local", "--executor", "local", "--jobs", "2") as running:
        while running.poll() is None:
            for name, holder, _ in claims.living():
                due = time.monotonic() > since.setdefault(name, time.monotonic()) + 0.3
                if due and name not in killed and len(killed) < 5:
                    killed.add(name)
                    os.kill(holder.process, signal.SIGKILL)
            time.sleep(0.02)
    assert running.returncode == 0 and len(killed) == 5
    told = (tmp_path / "notes").read_text().split()
    results = load_all(claims.folder)
    assert len(results) == 6 and sorted(told[::2]) == sorted(item.spec.hash for item in results), "one was told twice"
    assert hidden(claims.folder) == []
    with bench("one") as running:
        assert running.wait() == 0
    assert bare(results) == bare(load_all(tmp_path / "one"))


def test_a_run_that_kills_its_process_twice_is_a_failed_result(plugin, tmp_path):
    lab = Lab([plugin], executor=Local(1), progress=False)
    results = lab.bench("five", out=tmp_path, strategies=["deadly", "where"])
    assert results[1].error == f"RuntimeError: the file is {plugin}", "another process goes on"
    log = tmp_path / "logs" / "worker-0.log"
    assert results[0].error == (
        f"tried twice: its process was killed by SIGKILL, as for lack of memory; its log is {log}"
    )
    assert log.read_text().count("about to die") == 2 and threading.active_count() < 20
    assert json.loads(next(tmp_path.glob("*deadly*.json")).read_text())["status"] == "failed"
