"""`tlx worker`: parts of a plan, plugin files under other paths, and what is refused by its name."""

import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tlx.plugins import Registry
from tlx.runs import load_all
from tlx.runs.claims import Claims
from tlx.runs.store import Store


@pytest.fixture
def command(registry, world, tlx_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    return tlx_command


@pytest.fixture
def plan(command, tmp_path):
    assert command("bench", "tiny", "--plan", "--out", "all")[0] == 0
    return tmp_path / "all/plan.json"


def hidden(folder, *patterns):
    return [path.name for pattern in patterns for path in folder.glob(f".{pattern}")]


def test_parts_of_hosts_that_share_nothing_but_the_plan_become_one_folder(command, plan, world, tmp_path):
    for part in (1, 2, 3, 4):
        (tmp_path / str(part)).mkdir()
        shutil.copy(plan, tmp_path / str(part))
        code, out, err = command("worker", str(part), "--shard", f"{part}/4")
        done = "2 runs" if part < 3 else "1 run"
        assert (code, out) == (0, f"{part}: {done} finished here; of all says: tlx status {part}\n"), err
    assert len(world.calls) == 6
    assert command("merge", "1", "2", "3", "4", "--out", "all")[0] == 0
    assert len(load_all("all")) == 6 and "6 finished, 0 missing" in command("status", "all")[1]
    assert command("worker", "all", "--shard", "7/9")[1].startswith("all: 0 runs finished here")
    assert len(world.calls) == 6


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4/2", "", "1.5/4", "٢/٤"])
def test_parts_that_there_are_not(command, plan, world, shard):
    code, out, err = command("worker", "all", f"--shard={shard}")
    assert (code, out) == (1, "") and f"--shard is '{shard}'; expected I/N, part I of N: 1/4, 2/4" in err
    assert world.calls == []


def test_what_is_no_shared_folder(command, plan, world, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for folder, told in (
        ("empty", "There is no empty/plan.json; expected one that `tlx bench SUITE --plan"),
        ("elsewhere", "There is no elsewhere/plan.json; expected one"),
        ("file", "file/plan.json cannot be read: [Errno 20] Not a directory"),
    ):
        code, _, err = command("worker", folder)
        assert code == 1 and told in err and err.count("\n") == 1, err
    assert not (tmp_path / "elsewhere").exists() and world.calls == []


def test_a_folder_that_cannot_be_written(command, plan, world, monkeypatch):
    opened = open

    def refuse(file, mode="r", *args, **options):
        if "w" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(file, mode, *args, **options)

    monkeypatch.setattr("builtins.open", refuse)
    code, _, err = command("worker", "all")
    assert code == 1 and "Results folder 'all' cannot hold results: no permission to write or read there" in err
    assert world.calls == []


def test_a_disk_that_is_full_before_and_in_the_middle(command, plan, world, monkeypatch, tmp_path):
    """What has finished stays, claims are released, and the next start goes on."""
    fsync, calls = os.fsync, []

    def full(number):
        calls.append(number)
        if len(calls) >= room:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full)
    room = 1
    code, _, err = command("worker", "all")
    assert code == 1 and "Results folder 'all' cannot hold results: the disk is full" in err and world.calls == []
    calls.clear()
    room = 3  # the trial, a result
    code, _, err = command("worker", "all")
    assert code == 1 and "Results folder 'all' cannot take the result of" in err and "the disk is full" in err
    assert len(load_all("all")) == 1 and not hidden(tmp_path / "all", "*.tmp", "*.claim")
    room = 1000
    assert command("worker", "all")[0] == 0 and len(load_all("all")) == 6


def test_plugin_files_are_found_under_their_paths_or_given_ones(command, tmp_path, monkeypatch, registry):
    """The paths of the plan are whole: a worker begins in another folder."""
    (tmp_path / "mine.py").write_text("")
    assert command("bench", "tiny", "--plan", "--out", "all", "--plugin", "mine.py")[0] == 0
    loaded = []
    monkeypatch.setattr(Registry, "load", lambda files: (loaded.append(list(files)), registry)[1])
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert command("worker", "../all", "--shard", "1/6")[0] == 0
    assert loaded.pop() == [str(tmp_path / "mine.py")]
    (tmp_path / "mine.py").rename(tmp_path / "here/mine.py")
    code, _, err = command("worker", "../all")
    assert code == 1 and loaded == []
    assert f"The plan needs the plugin file '{tmp_path}/mine.py', which this machine does not see" in err
    assert "a copy: --plugin PATH/mine.py" in err
    assert command("worker", "../all", "--plugin", "mine.py")[0] == 0 and loaded == [["mine.py"]]
    assert {item.spec.plugin_files for item in load_all("../all")} == {("mine.py",), (str(tmp_path / "mine.py"),)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda fields: fields.update(tlx="0.0.1"), "The plan is of tlx 0.0.1, and this is tlx"),
        (lambda fields: fields.update(engine="f00"), "of other code, and this is tlx"),
        (lambda fields: fields["codes"].update({"strategy 'bad'": "f00"}), "of other code of the strategy 'bad' than"),
        (lambda fields: fields["codes"].update({"backbone 'net'": "f00"}), "of other code of the backbone 'net' than"),
    ],
)
def test_another_version_of_tlx_or_of_a_plugin(command, plan, world, change, told):
    fields = json.loads(plan.read_text())
    change(fields)
    plan.write_text(json.dumps(fields))
    code, _, err = command("worker", "all")
    assert code == 1 and told in err and world.calls == []


def test_a_damaged_claim_is_waited_for_and_then_taken_over(command, plan, world, monkeypatch, tmp_path):
    others = (Claims.__init__.__defaults__ or ())[1:]
    monkeypatch.setattr(Claims.__init__, "__defaults__", (0.4, *others))
    (tmp_path / "all" / f".{name_of_a_run(plan)}.0.claim").write_bytes(b"\xff{")
    assert command("worker", "all")[0] == 0 and len(load_all("all")) == 6
    assert not hidden(tmp_path / "all", "*.claim")


def name_of_a_run(plan):
    from tlx.runs.plan import read_plan

    return read_plan(Store(plan.parent)).specs[2].file_name


def test_embeddings_are_kept_and_the_log_is_named_in_an_error(command, plan, world, tmp_path):
    world.fails["Bad"] = RuntimeError("boom")
    code, _, err = command("worker", "all", "--keep-embeddings")
    assert code == 1 and "2 of 6 runs failed here" in err and "a->b bad: RuntimeError: boom" in err
    assert len(list(tmp_path.glob("all/*.npz"))) == 4
    code, _, err = command("worker", "all")
    [log] = re.findall(r"runs failed here, log (\S+):", err)
    assert "4 of 6 results are there already" in Path(log).read_text()


def test_one_bar_counts_what_other_workers_did_too(command, plan, world, monkeypatch):
    """The line of the last run says that it is the last of all, though another worker did two meanwhile."""
    shutil.copytree("all", "other")
    assert command("worker", "other")[0] == 0
    write, come = Store.write, [*Path("other").glob("*.bad.*.json"), *Path("other").glob("a-c.shift.*.json")]

    def writes(store, result):
        for path in come:
            shutil.copy(path, store.folder)
        come.clear()
        return write(store, result)

    monkeypatch.setattr("tlx.lab.secrets.randbelow", lambda _: 0)
    monkeypatch.setattr(Store, "write", writes)
    code, _, err = command("worker", "all")
    assert code == 0 and re.findall(r"^(\d)/(\d) ", err, re.MULTILINE) == [("1", "6"), ("5", "6"), ("6", "6")]
