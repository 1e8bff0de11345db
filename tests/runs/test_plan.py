import dataclasses
import errno
import json
from pathlib import Path

import pytest

from tlx.errors import ResultError
from tlx.runs import plan as module
from tlx.runs.claims import Claims, Holder
from tlx.runs.plan import read_plan, write_plan
from tlx.runs.status import read_status
from tlx.runs.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out")


def test_a_worker_does_what_the_plan_says_and_is_missing(lab, world, tmp_path):
    path = lab.plan("tiny", out=tmp_path)
    assert path == tmp_path / "plan.json" and world.calls == []
    lab.bench("tiny", out=tmp_path, tasks=["a->b"])
    world.calls.clear()
    results = lab.work(tmp_path)
    assert sorted(world.calls) == ["Bad", "Shift", "SourceOnly"] and len(results) == 3
    assert all(result.finished and result.spec.suite == "tiny" for result in results)
    assert sorted(item.name for item in tmp_path.iterdir() if item.suffix != ".json") == []


def test_a_run_that_fails_is_not_done_by_every_worker(lab, world, tmp_path, monkeypatch):
    """A second worker does all after the first run of the first one; the next start does it again."""
    monkeypatch.setattr("tlx.lab.secrets.randbelow", lambda _: 0)
    world.fails["Bad"] = RuntimeError("boom")
    lab.plan("tiny", out=tmp_path)
    write, others = Store.write, []

    def writes(store, result):
        path = write(store, result)
        monkeypatch.setattr(Store, "write", write)
        others.extend(lab.work(tmp_path))
        return path

    monkeypatch.setattr(Store, "write", writes)
    results = lab.work(tmp_path) + others
    assert len(results) == 6 and [item.status for item in results].count("failed") == 2
    assert world.calls.count("Bad") == 2 and len(world.calls) == 6
    lab.work(tmp_path)
    assert world.calls.count("Bad") == 4


@pytest.mark.parametrize("change", ["tlx", "engine", "codes"])
def test_other_code_than_was_planned_with_is_refused_by_name(lab, world, store, job, change):
    path = write_plan(store, [job])
    fields = json.loads(path.read_text())
    fields[change] = {"shift": "other"} if change == "codes" else "other"
    path.write_text(json.dumps(fields))
    told = "strategy 'shift'" if change == "codes" else "The plan is of tlx"
    with pytest.raises(ResultError, match=told):
        lab.work(store.folder)
    assert world.calls == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 1, "specs": [{}]}', "[" * 100_000])
def test_a_plan_that_is_damaged_or_not_there_is_named(store, job, content):
    with pytest.raises(ResultError, match="There is no .*plan.json; expected one that `tlx bench SUITE --plan"):
        read_plan(store)
    write_plan(store, [job]).write_text(content)
    with pytest.raises(ResultError, match="plan.json is damaged"):
        read_plan(store)
    (store.folder / module.NAME).write_text('{"format": 9}')
    with pytest.raises(ResultError, match="format 9; this tlx reads 1"):
        read_plan(store)


def test_on_a_full_disk_the_earlier_plan_stays(store, job, monkeypatch):
    write_plan(store, [job])
    write = Path.write_text

    def full(path, text):
        write(path, text[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ResultError, match="plan.json cannot be written: .*No space left on device"):
        write_plan(store, [dataclasses.replace(job, spec=dataclasses.replace(job.spec, seeds=(7,)))])
    assert read_plan(store).specs[0].seeds == job.spec.seeds
    assert [path.name for path in store.folder.iterdir()] == ["plan.json"]


def test_the_status_of_a_folder(lab, world, tmp_path):
    """Finished, failed, under way, missing, and the time that is left by what finished runs took."""
    world.fails["Bad"] = RuntimeError("boom")
    lab.plan("tiny", out=tmp_path)
    lab.bench("tiny", out=tmp_path, tasks=["a->b"])
    plan = read_plan(Store(tmp_path)).specs
    running = next(spec for spec in plan if spec.label == "a->c shift")
    with Claims(tmp_path, holder=lambda: Holder("far", 7, job="12_3")).hold([running.file_name]):
        status = read_status(tmp_path)
        lines = list(status.lines())
    assert lines[0].startswith(f"{tmp_path}: 2 finished, 1 failed, 1 running, 2 missing; 1 min left")
    assert f"running  {running.file_name}: process 7 on far, job 12_3, heard of 0 s ago" in lines
    assert "failed   a->b bad: RuntimeError: boom" in lines and "missing  a->c bad" in lines
    slow = [dataclasses.replace(item, times=dataclasses.replace(item.times, wall=6.0)) for item in status.results]
    assert dataclasses.replace(status, results=slow).seconds_left == pytest.approx(18.0)
    (tmp_path / module.NAME).unlink()
    assert "so what is missing is not known" in list(read_status(tmp_path).lines())[-1]
