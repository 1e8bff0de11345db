"""Several processes do what one does, end together, go on from the carry, refuse what does not fit: CPUs, by gloo."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import bars
import jax
import numpy as np
import pytest

from tlx import SettingError
from tlx.engine import devices, processes
from tlx.runs.runner import Runner

STEP = """
import contextlib, sys
import numpy as np
from tlx.engine import sources
from tlx.engine.processes import joined
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
path, plugin, strategy, seeds, stream, count, number, port = sys.argv[1:]
place = (f"localhost:{port}", int(count), int(number), "the same")
with joined(*place) if int(count) > 1 else contextlib.nullcontext():
    from tlx.engine.train import train
    from tlx.plugins import Registry
    read, ahead = [], sources.read_ahead
    def counting(x, rows, threads):
        read.extend(index.shape[1:] for index in rows.values())
        return ahead(x, rows, threads)
    sources.read_ahead = counting
    recipe = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)
    strategy = Registry.load([plugin]).get("strategies", strategy)()
    outcome = train(strategy, TinyBN, tiny_task(), recipe, tuple(range(int(seeds))), stream=stream == "True")
    assert outcome.device.startswith(count + " x"), outcome.device
    rows = [shape[0] * shape[2] for shape in read if len(shape) == 3 and shape[1] == 1]
    weights = np.concatenate([np.ravel(x) for x in outcome.weights(int(seeds) - 1).values() if x.dtype == np.float32])
    logits = outcome.evaluations[-1].target_logits
    np.savez(f"{path}.{number}.npz", logits=logits, weights=weights, rows=sum(rows))
"""
HEARTBEAT = 10  # in the place of `processes.HEARTBEAT`, so that a lost process is noticed sooner
MAIN = f"from tlx.engine import processes; processes.HEARTBEAT = {HEARTBEAT}\nfrom tlx.cli import main; main()"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def start(code: str, *words: object, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def step(folder: Path, count: int, *what: object) -> list[dict[str, np.ndarray]]:
    """What each of the processes has after one step."""
    port, path = free_port(), folder / f"{count}"
    words = [(path, bars.__file__, *what, count, number, port) for number in range(count)]
    running = [start(STEP, *each, TLX_PLUGINS="strategies") for each in words]
    for each in running:
        out, _ = each.communicate(timeout=900)
        assert each.returncode == 0, out
    return [dict(np.load(f"{path}.{number}.npz", allow_pickle=False)) for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "strategy", "seeds", "stream"),
    [(2, "shot", 1, False), (4, "mean_gap", 2, True)],  # 1 x 2 devices, then 2 x 2
)
def test_processes_take_the_step_of_one(tmp_path, count, strategy, seeds, stream):
    (alone,) = step(tmp_path, 1, strategy, seeds, stream)
    for each in step(tmp_path, count, strategy, seeds, stream):
        np.testing.assert_allclose(each["logits"], alone["logits"], atol=1e-5)
        np.testing.assert_allclose(each["weights"], alone["weights"], atol=1e-5)
        assert each["rows"] * count == alone["rows"]  # of the steps: each reads its own


class Runs:
    """`tlx run` in several processes, which write to a folder of `tmp_path`."""

    def __init__(self, folder: Path):
        self.folder, self.rounds, self.port = folder, folder / "rounds.txt", 0

    def start(self, number: int, *words: str, count: int = 2, plugin: str = str(bars.__file__)) -> subprocess.Popen:
        """Process 0 begins a new run."""
        self.port = free_port() if number == 0 else self.port
        words = ("bars180->bars90@tiny", "mean_gap", "--backbone", "net", "--recipe", "short", "--seeds", "1",
                 "--plugin", plugin, "--out", str(self.folder / "out"), "--distributed", "--coordinator",
                 f"localhost:{self.port}", "--processes", str(count), "--process", str(number), *words)  # fmt: skip
        return start(MAIN, "run", *words, TLX_PLUGINS="selectors", ROUNDS=str(self.rounds))

    def steps(self) -> list[int]:
        """The steps at the ends of the rounds that were told, by all starts."""
        return [int(line) for line in self.rounds.read_text().split()] if self.rounds.exists() else []

    def has_gone_on(self, before: list[int]) -> None:
        """The first round since `before` is the one after the last that was saved."""
        last = before[-1:] or [0]
        assert self.steps()[len(before)] in (last[0], last[0] + 1), (before, self.steps())


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


@pytest.mark.slow
def test_where_one_is_killed_the_other_ends_and_the_next_start_goes_on(runs):
    for lost in (1, 0):  # then, in the next start, the one that leads
        before = runs.steps()
        running = [runs.start(number) for number in range(2)]
        while len(runs.steps()) < len(before) + 3:
            assert all(each.poll() is None for each in running), running[0].communicate()[0]
            time.sleep(0.05)
        running[lost].send_signal(signal.SIGKILL)
        began = time.monotonic()
        out, _ = running[1 - lost].communicate(timeout=120)
        took = time.monotonic() - began
        assert took < 60 - 2 * (processes.HEARTBEAT - HEARTBEAT), "a minute, with the usual heartbeat"
        assert running[1 - lost].returncode != 0
        assert f"Error: process {1 - lost} of 2 was ended, as all are where one is lost" in out
        assert "To go on from the last round, start in every process: tlx run 'bars180->bars90@tiny' mean_gap" in out
        assert not list((runs.folder / "out").glob("*.json"))
        running[lost].communicate()
        runs.has_gone_on(before)
    before = runs.steps()
    again = [runs.start(number) for number in range(2)]
    outputs = [each.communicate(timeout=900)[0] for each in again]
    assert [each.returncode for each in again] == [0, 0], outputs
    runs.has_gone_on(before)
    assert runs.steps()[-1] == 40
    (path,) = (runs.folder / "out").glob("*.json")
    result = json.loads(path.read_text())
    assert result["status"] == "finished"
    assert "2 x cpu of 2 processes" in result["environment"]["device"]
    assert "mean_gap" in outputs[0]
    assert "mean_gap" not in outputs[1]  # the first alone is heard of


@pytest.mark.slow
def test_processes_that_differ_are_refused_by_name(runs, tmp_path):
    other = tmp_path / "bars.py"
    shutil.copy(bars.__file__, other)
    other.write_text(other.read_text().replace("** 2)", "** 4)"))
    running = [runs.start(0), runs.start(1, plugin=str(other))]
    for each in running:
        out, _ = each.communicate(timeout=300)
        assert each.returncode == 1
        assert "process 1 of the run is not as process 0 (" in out
        assert "code:" in out
    running = [runs.start(0), runs.start(1, count=3)]
    for each in running:
        out, _ = each.communicate(timeout=300)
        assert each.returncode == 1
        assert "process 1 of the run is not as process 0 (--processes: 3, there 2)" in out


@pytest.mark.slow
def test_a_batch_that_does_not_divide_is_refused(runs):
    running = [runs.start(number, "--batch", "7") for number in range(2)]
    for each in running:
        out, _ = each.communicate(timeout=300)
        assert each.returncode == 1
        assert "2 devices of 2 processes do not divide 1 seeds and batches of 7 rows" in out


def test_devices_of_several_processes_must_divide_seeds_or_batch(monkeypatch):
    monkeypatch.setattr(devices, "several", lambda: True)
    monkeypatch.setattr(jax, "devices", lambda: list(range(4)))
    found = devices.mesh(2, 6)
    assert found is not None
    assert found.shape == {"seeds": 2, "batch": 2}
    with pytest.raises(SettingError, match=r"4 devices of 1 processes do not divide 3 seeds and batches of 6 rows"):
        devices.mesh(3, 6)


def test_a_coordinator_that_is_not_there_is_named_in_time(monkeypatch):
    monkeypatch.setattr(processes, "JOIN", 1)
    place = f"localhost:{free_port()}"
    with pytest.raises(SettingError, match=rf"no coordinator at {place} within 1 s .*expected process 0"):
        with processes.joined(place, 2, 1, "tlx run"):
            pass


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("a:1", 2, 2), "--process 2 of --processes 2; expected 0 to 1"),
        (("a:1", 2, -1), "--process -1 of --processes 2; expected 0 to 1"),
        (("a", 2, 1), "--coordinator 'a'; expected HOST:PORT of process 0"),
    ],
)
def test_a_place_that_is_none_is_refused(place, message):
    with pytest.raises(SettingError, match=message):
        with processes.joined(place[0], place[1], place[2], "tlx run"):
            pass


def test_the_environment_says_what_the_options_do_not(monkeypatch):
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    monkeypatch.setenv("JAX_PROCESS_ID", "5")
    with pytest.raises(SettingError, match="--process 5 of --processes 2"):
        with processes.joined("a:1", None, None, "tlx run"):
            pass
    monkeypatch.setenv("JAX_NUM_PROCESSES", "two")
    with pytest.raises(SettingError, match="JAX_NUM_PROCESSES and JAX_PROCESS_ID are numbers: .*'two'"):
        with processes.joined("a:1", None, 0, "tlx run"):
            pass


def test_outside_of_a_cluster_the_options_are_named(monkeypatch):
    def found_none(*_, **__):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", found_none)
    with pytest.raises(SettingError, match="no Slurm, Open MPI, Kubernetes or TPU says where.*--coordinator HOST:PORT"):
        with processes.joined(None, None, None, "tlx run"):
            pass


def test_facts_that_differ_are_named(monkeypatch):
    told = [json.dumps({"data": "x", "jax": "1"}), json.dumps({"data": "x", "jax": "2"})]
    monkeypatch.setattr(processes, "tell", lambda text: told)
    with pytest.raises(SettingError, match=r"process 1 of the run is not as process 0 \(jax: 2, there 1\)"):
        processes.agree({})


def test_alone_nothing_is_told_or_moved():
    assert processes.tell("x") == ["x"]
    assert processes.leads()
    assert processes.from_first(lambda: b"content") == b"content"


def test_what_fills_a_folder_does_not_go_over_several_processes(monkeypatch, tlx_command):
    monkeypatch.setattr(processes, "several", lambda: True)
    with pytest.raises(SettingError, match="several processes do one run together, no suite and no sweep"):
        Runner(filling="leave").grid([])
    for words in (("bench", "quick"), ("sweep", "a:b", "dann", "--over", "weight=1,2"), ("worker", "runs")):
        code, _, err = tlx_command(*words, "--distributed")
        assert code == 1
        assert f"tlx {words[0]} --distributed: only tlx run goes over several processes" in err
    code, _, err = tlx_command("run", "a:b", "dann", "--process", "1")
    assert (code, err) == (1, "Error: --process is of several processes; expected --distributed as well\n")
