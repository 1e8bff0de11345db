"""Suites as jobs: of submitit's own cluster, which is processes here, and of a real Slurm where there is one.

`tests/executors/slurm_here.sh pytest tests/executors/test_slurm.py` starts a Slurm of one node around the tests.
"""

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from elsewhere import PLUGIN, bare, by_one_thread

import tlx
from tlx import Lab, Suite
from tlx.data import from_arrays
from tlx.errors import ResultError, SettingError
from tlx.executors import Runner, joint_hash, order
from tlx.runs.status import read_status
from tlx.runs.store import Store
from tlx_executors import slurm
from tlx_executors.slurm import Slurm, Submit


@pytest.fixture
def quickly(monkeypatch):
    pytest.importorskip("submitit", reason="the executor slurm needs submitit: pip install 'tlx[slurm]'")
    for name, value in {"POLL": 0.1, "LOOK": 1.0, "SETTLE": 2.0}.items():
        monkeypatch.setattr(slurm, name, value)


@pytest.fixture
def real(quickly):
    """A Slurm that answers."""
    if not shutil.which("sinfo") or subprocess.run(["sinfo"], capture_output=True, timeout=60).returncode:
        pytest.skip("no Slurm answers here: tests/executors/slurm_here.sh starts one around a command")


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


class Acts:
    """An observer that acts at the third round of each strategy that it has something for: earlier ones are saved."""

    def __init__(self, **acts):
        self.acts, self.started, self.rounds = acts, [], []

    def tlx_run_started(self, spec):
        self.started.append(spec.strategy)

    def tlx_round_finished(self, spec, progress):
        self.rounds.append((spec.strategy, progress.round))
        if progress.round >= 3 and (act := self.acts.pop(spec.strategy, None)):
            act(spec)


def number_of(folder, spec):
    """The number of the job that does a run."""
    return (folder / "slurm" / f"{joint_hash([spec])[:12]}.job").read_text()


def submissions(folder):
    return len(list((folder / "slurm").glob("*_submitted.pkl")))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"gpus": -1}, "Executor 'slurm': gpus is -1; expected 0 or more"),
        ({"timeout_min": 0}, "timeout_min is 0; expected 1 or more"),
    ],
)
def test_numbers_that_cannot_be_are_named(options, told):
    with pytest.raises(SettingError, match=told):
        Slurm(**options)


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(SettingError, match=r"needs submitit; expected: pip install 'tlx\[slurm\]'"):
        Submit(Slurm(), tmp_path)


def test_a_machine_without_slurm_is_named(tmp_path, monkeypatch, quickly):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingError, match="There is no Slurm here: no command sbatch or srun"):
        Submit(Slurm(), tmp_path)


def test_a_job_asks_for_what_its_options_say(world, job_of, tmp_path, quickly):
    options = Slurm(0, 1, 4, 8.0, 30, "a100", sbatch={"reservation": "mine"}, cluster="local",
                    overrides={"shift": {"timeout_min": 90, "gpus": 0}})  # fmt: skip
    asked = Submit(options, tmp_path)._parameters(job_of(strategy="source_only"))
    assert asked == {
        "name": "tlx", "stderr_to_stdout": True, "timeout_min": 30, "cpus_per_task": 4, "gpus_per_node": 1,
        "mem_gb": 8.0, "slurm_partition": "a100", "slurm_additional_parameters": {"reservation": "mine"},
        "slurm_srun_args": ["--cpus-per-task=4"],
    }  # fmt: skip
    other = Submit(options, tmp_path)._parameters(job_of(strategy="shift"))
    assert other["timeout_min"] == 90 and "gpus_per_node" not in other


def test_a_full_disk_is_named_before_anything_is_sent(lab, job, tmp_path, monkeypatch, quickly):
    submit = Submit(Slurm(cluster="local"), tmp_path / "slurm")
    sent = slurm.Sent(Runner(store=Store(tmp_path)), [job], submit)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ResultError, match="slurm cannot hold what the jobs are to do: .*No space left on device"):
        submit([sent])
    assert sent.job is None and submit.jobs == []


def test_a_dataset_in_memory_is_refused(registry, world, tmp_path):
    images = registry.get("datasets", "a").train
    mine = from_arrays("mine", (images.x, images.y), classes=("x", "y", "z"))

    class Full:
        @tlx.hookimpl
        def tlx_protocols(self, register):
            register("P-full-off", tlx.Protocol("P-full-off", "", 8, 1))

    registry.add(Full(), "full")
    lab = Lab(datasets=[mine], executor=Slurm(), progress=False, registry=registry)
    suite = Suite("s", ("mine->b",), ("shift",), backbone="net", recipe="short", seeds=1)
    with pytest.raises(SettingError, match="'mine' is in the memory of this process.* 'serial' or 'ray'"):
        lab.bench(suite, out=tmp_path)


@pytest.mark.slow
@pytest.mark.data
def test_jobs_give_what_one_process_does(plugin, tmp_path, quickly):
    acts = Acts()
    lab = Lab([plugin], [acts], executor=Slurm(cluster="local"), embeddings=True, progress=False)
    results = lab.bench("five", out=tmp_path / "jobs", strategies=["source_only", "coral", "deadly"])
    alone = by_one_thread(plugin, tmp_path / "one", strategies=["source_only", "coral"])
    assert [item.status for item in results] == ["finished", "finished", "failed"]
    assert bare(results[:2]) == bare(alone)
    assert len(list((tmp_path / "jobs").glob("*.npz"))) == 2 and ("coral", 1) in acts.rounds
    why = str(results[2].error)
    assert why.startswith("tried twice: its Slurm job ")
    assert acts.started.count("deadly") == 3, "told of both tries, and when it is given up"
    assert "about to die" in Path(why.partition("its log is ")[2]).read_text()
    status = read_status(tmp_path / "jobs")
    assert len(status.of("finished")) == 2 and status.missing == []
    sent = submissions(tmp_path / "jobs")
    again = lab.bench("five", out=tmp_path / "jobs", strategies=["source_only", "coral"])
    assert again == results[:2] and submissions(tmp_path / "jobs") == sent == 4


@pytest.mark.slow
@pytest.mark.data
def test_a_job_at_its_end_is_queued_again_and_goes_on_from_its_last_round(plugin, tmp_path, quickly):
    def signal_job(spec):
        job = number_of(tmp_path, spec)
        child = Path(f"/proc/{job}/task/{job}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGUSR2)  # as Slurm does before it ends a job

    acts = Acts(source_only=signal_job)
    lab = Lab([plugin], [acts], executor=Slurm(cluster="local"), progress=False)
    [result] = lab.bench("five", out=tmp_path, strategies=["source_only"], steps=2000, recipe_set={"rounds": 40})
    assert result.finished and submissions(tmp_path) == 1
    assert acts.started == ["source_only"] * 2 and acts.rounds.count(("source_only", 1)) == 1


@pytest.mark.slow
@pytest.mark.data
def test_what_nodes_do_not_see_is_named(plugin, tmp_path, quickly, monkeypatch):
    lab = Lab([plugin], executor=Slurm(cluster="local"), progress=False)
    plugin.unlink()
    [result] = lab.bench("five", out=tmp_path / "a", strategies=["source_only"])
    assert f"cannot run it: PluginError: plugin file '{plugin}' does not exist" in str(result.error)
    plugin.write_text(PLUGIN)
    group = slurm.Group
    monkeypatch.setattr(slurm, "Group", lambda path, cpus: group(path.replace(str(tmp_path), "/elsewhere"), cpus))
    [result] = lab.bench("five", out=tmp_path / "b", strategies=["source_only"])
    folder = tmp_path / "b" / "slurm"
    assert f"wrote nothing into {folder}: expected a folder, a Python and a tlx that all nodes see" in str(result.error)
    assert "There is no /elsewhere/b/slurm/" in Path(str(result.error).partition("its log is ")[2]).read_text()


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"tlx": "0.0.1"}, "The plan is of tlx 0.0.1, and this is tlx"),
        ({"codes": {"source_only": "other"}}, "other code of the strategy 'source_only'"),
    ],
)
def test_a_worker_of_another_version_is_refused(plugin, tmp_path, quickly, monkeypatch, other, told):
    def ask(run, jobs):
        asked = order(run, jobs)
        return {**asked, "code": {**asked["code"], **other}}

    monkeypatch.setattr(slurm, "order", ask)
    lab = Lab([plugin], executor=Slurm(cluster="local"), progress=False)
    with pytest.raises(ResultError, match=told) as caught:
        lab.bench("five", out=tmp_path, strategies=["source_only"])
    assert str(caught.value).startswith("Slurm's job ")


@pytest.mark.slow
@pytest.mark.data
def test_a_real_slurm(plugin, tmp_path, real, caplog):
    """Left by Ctrl-C, followed by the next command; a job cancelled, another one sent Slurm's signal of its end."""

    def leave(spec):
        raise KeyboardInterrupt

    def cancel(spec):
        subprocess.run(["scancel", number_of(tmp_path / "jobs", spec)], check=True)

    def end(spec):
        subprocess.run(["scancel", "--signal=USR2", number_of(tmp_path / "jobs", spec)], check=True)

    how = {"strategies": ["source_only", "coral", "bnm"], "steps": 1000, "recipe_set": {"rounds": 20}}
    caplog.set_level(logging.INFO, "tlx_executors")
    with pytest.raises(KeyboardInterrupt):
        Lab([plugin], [Acts(source_only=leave)], executor=Slurm(), progress=False).bench(
            "five", out=tmp_path / "jobs", **how
        )
    number = number_of(tmp_path / "jobs", tlx_spec(plugin, how)).partition("_")[0]
    assert f"To end them: scancel {number}" in caplog.text
    acts = Acts(coral=cancel, bnm=end)
    results = Lab([plugin], [acts], executor=Slurm(), progress=False).bench("five", out=tmp_path / "jobs", **how)
    assert all(item.finished for item in results), [item.error for item in results]
    assert submissions(tmp_path / "jobs") == 4, "all but the cancelled one were sent once"
    assert "ended as CANCELLED" in caplog.text
    assert acts.rounds.count(("bnm", 1)) == acts.rounds.count(("coral", 1)) == 1, "they went on from their last rounds"
    assert bare(results) == bare(by_one_thread(plugin, tmp_path / "one", **how))


def tlx_spec(plugin, how):
    """The spec of the suite's first run."""
    return Lab([plugin])._suite("five", None, how["recipe_set"], how["steps"], strategies=how["strategies"])[0][0].spec


@pytest.mark.slow
@pytest.mark.data
def test_what_a_real_slurm_lacks_is_named(plugin, tmp_path, real):
    lab = Lab([plugin], executor=Slurm(partition="none"), progress=False)
    with pytest.raises(SettingError, match="Slurm refuses jobs of .*slurm_partition none.*invalid partition"):
        lab.bench("five", out=tmp_path, strategies=["source_only"])
    lab = Lab([plugin], executor=Slurm(gpus=64), progress=False)
    with pytest.raises(SettingError, match="Slurm refuses jobs of .*gpus_per_node 64"):
        lab.bench("five", out=tmp_path, strategies=["source_only"])
