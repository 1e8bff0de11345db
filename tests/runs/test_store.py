import copy
import dataclasses
import errno
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlx.errors import ResultError
from tlx.report import render
from tlx.runs import claims
from tlx.runs import store as module
from tlx.runs.result import Result, Times
from tlx.runs.spec import digest
from tlx.runs.store import Store, load_all


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "deep" / "out")
    store.prepare()
    return store


def names(store):
    return sorted(path.name for path in store.folder.iterdir())


def full_disk(monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


def test_writes_and_reads(store, result):
    assert store.read(result.spec) is None
    path = store.write(result)
    assert path.name == f"a-b.shift.{result.spec.hash[:12]}.json"
    assert names(store) == [path.name]
    assert store.read(result.spec) == result
    assert load_all(store.folder) == [result]


def test_task_names_with_shots_and_sources_make_file_names(store, spec):
    path = store.path(dataclasses.replace(spec, task="a+b->c/10"))
    assert path.parent == store.folder and path.name.startswith("a+b-c-10.shift.")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"{}"])
def test_a_damaged_file_is_named_and_set_aside(store, result, caplog, content):
    path = store.write(result)
    path.write_bytes(content)
    assert store.read(result.spec) is None
    assert names(store) == [f"{path.name}.damaged"]
    assert str(path) in caplog.text and "set aside" in caplog.text
    store.write(result)
    assert store.read(result.spec) == result


def test_a_file_of_another_run_is_damaged(store, result):
    other = dataclasses.replace(result, spec=dataclasses.replace(result.spec, seeds=(5, 6)))
    store.path(result.spec).write_text(other.text())
    assert store.read(result.spec) is None


def test_a_result_of_another_version_is_left_alone(store, result):
    path = store.write(result)
    path.write_text(result.text().replace('"format": 2', '"format": 3'))
    with pytest.raises(ResultError, match=f"{path.name}.*format 3"):
        store.read(result.spec)
    assert path.exists()


def test_full_disk_before_the_first_run(tmp_path, monkeypatch):
    full_disk(monkeypatch)
    with pytest.raises(ResultError, match="cannot hold results: the disk is full"):
        Store(tmp_path / "out").prepare()
    assert list((tmp_path / "out").iterdir()) == []


def test_full_disk_leaves_nothing_half_written(store, result, monkeypatch):
    full_disk(monkeypatch)
    with pytest.raises(ResultError, match="result of a->b shift: the disk is full"):
        store.write(result)
    assert names(store) == []


def test_a_write_that_fails_keeps_what_was_there(store, result, monkeypatch):
    path = store.write(result)
    before = path.read_bytes()
    full_disk(monkeypatch)
    with pytest.raises(ResultError):
        store.write(dataclasses.replace(result, code="other"))
    assert names(store) == [path.name] and path.read_bytes() == before


def test_out_is_a_file_or_lies_in_one(tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ResultError, match="it is a file, or lies in one; expected a folder"):
            Store(out).prepare()
    assert (tmp_path / "file").read_text() == "mine"


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)  # a folder's mode does not stop root, who may run the tests
    with pytest.raises(ResultError, match="no permission"):
        Store(tmp_path).prepare()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_for_real(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ResultError, match="no permission"):
        Store(tmp_path).prepare()


def test_load_all_passes_over_what_is_no_result(store, result, caplog):
    store.write(result)
    (store.folder / "package.json").write_text("{}")
    (store.folder / "notes.md").write_text("")
    damaged = store.folder / "a-b.shift.0123456789ab.json"
    damaged.write_text("{")
    with caplog.at_level(logging.WARNING):
        assert load_all(store.folder) == [result]
    assert damaged.exists() and damaged.name in caplog.text and "package.json" not in caplog.text


def test_load_all_of_what_is_no_folder(tmp_path):
    with pytest.raises(ResultError, match="does not exist; expected a folder"):
        load_all(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match="is a file; expected a folder"):
        load_all(tmp_path / "file")


@pytest.mark.parametrize("status", ["failed", "absent"])
def test_a_finished_result_is_not_overwritten_by_one_that_has_not(store, result, status):
    path = store.write(result)
    failed = dataclasses.replace(result, status=status, error="no", selections={}, curves=[], code="other")
    assert store.write(failed) == store.path_beside(result.spec)
    assert store.read(result.spec) == result and load_all(store.folder) == [result]
    assert Result.parse(store.path_beside(result.spec).read_bytes()) == failed
    again = dataclasses.replace(result, times=Times("2030-01-01T00:00:00+00:00", 1.0))
    assert store.write(again) == path and names(store) == [path.name]


def test_a_finished_result_of_other_code_is_kept_aside_the_newest_only(store, result):
    for code in ("1", "2", "3"):
        path = store.write(dataclasses.replace(result, code=code))
    old = path.with_name(f"{path.name}.old")
    assert names(store) == [path.name, old.name]
    assert [Result.parse(item.read_bytes()).code for item in (path, old)] == ["3", "2"]
    assert [item.code for item in load_all(store.folder)] == ["3"]


def test_a_result_of_another_version_is_kept_aside_too(store, result):
    path = store.write(result)
    other = result.text().replace('"format": 2', '"format": 3')
    path.write_text(other)
    store.write(result)
    assert store.read(result.spec) == result and path.with_name(f"{path.name}.old").read_text() == other


def test_a_score_that_was_changed_by_hand_is_damage(store, result, caplog):
    path = store.write(result)
    fields = json.loads(result.text())
    fields["selections"]["last"]["scores"][0]["accuracy"] = 0.99
    path.write_text(json.dumps(fields))
    assert load_all(store.folder) == [] and store.read(result.spec) is None
    assert "its digest is not that of its content" in caplog.text and names(store) == [f"{path.name}.damaged"]


def test_damaged_files_are_not_overwritten(store, result):
    for content in ("1", "2", "3"):
        path = store.write(result)
        path.write_text(content)
        store.read(result.spec)
    aside = [f"{path.name}.damaged{number}" for number in ("", ".2", ".3")]
    assert names(store) == aside and [(store.folder / name).read_text() for name in aside] == ["1", "2", "3"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("make", ["fifo", "folder", "link"])
def test_what_is_no_regular_file_stops_nothing(store, result, make, caplog):
    store.write(result)
    odd = store.folder / "a-b.shift.0123456789ab.json"
    {"fifo": os.mkfifo, "folder": os.mkdir, "link": lambda path: os.symlink(path, path)}[make](odd)
    assert load_all(store.folder) == [result] and odd.name in caplog.text
    if make != "link":
        path = store.path(result.spec)
        os.replace(path, path.with_name("kept"))
        os.replace(odd, path)
        assert store.read(result.spec) is None and path.with_name(f"{path.name}.damaged").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), Path.mkdir])
def test_what_lies_beside_a_result_and_is_no_file_is_left_out(store, result, make, caplog):
    """The trap: a report that waits for a writer, or reads a device until memory ends."""
    make(store.path(result.spec).with_suffix(".npz"))
    assert store.kept(result.spec) is None and "is damaged" in caplog.text


def test_load_all_names_results_of_another_version(store, result, caplog):
    store.write(result)
    odd = store.folder / "a-b.shift.0123456789ab.json"
    odd.write_text(result.text().replace('"format": 2', '"format": 3'))
    assert load_all(store.folder) == [result] and f"{odd}: it has the result format 3" in caplog.text


def test_what_dead_processes_left_is_removed(store, result, monkeypatch):
    path = store.write(result)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    made = {}
    for name, process, host in (("dead", child.pid, None), ("alive", os.getppid(), None), ("else", child.pid, "far")):
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda process=process: process)
            if host:
                patch.setattr(claims, "this_host", lambda host=host: host)
            made[name] = claims.temporary(path)
        made[name].touch()
    before = path.with_name(f".{path.name}.{os.getppid()}.tmp")  # as an earlier tlx named it
    mine = path.with_name(".mine.tmp")
    for item in (before, mine):
        item.touch()
        os.utime(item, (0, 0))
    store.prepare()
    assert names(store) == sorted([made["alive"].name, made["else"].name, mine.name, path.name])


def test_two_processes_of_one_number_take_other_names(store, result):
    path = store.path(result.spec)
    first, second = claims.temporary(path), claims.temporary(path)
    assert first != second and f".{os.getpid()}." in first.name and socket.gethostname()[:8] in first.name


def test_a_claim_is_of_all_runs_or_of_none(store, spec):
    other = dataclasses.replace(spec, seeds=(7,))
    with store.claim([spec]), store.claim([other, spec]) as both, store.claim([other]) as free:
        assert not both and free, "a claim that fails holds nothing"
    assert names(store) == []


def test_without_claims_a_run_goes_on(store, spec, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(claims.Files, "create", refuse)
    with store.claim([spec]) as mine:
        assert mine and "cannot hold claims" in caplog.text


HOSTILE = [
    None, True, -5, 0, 1, 2.5, 1e308, 10**400, float("nan"), float("-inf"), "", "x", "\ud800", [], [[]], [1, [2]],
    {}, {"a": {}}, [None], [{"step": 1}], ["x", "y", "z"],
]  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def mutated(data, fields):
    """A change at a random place; now and then with the hashes of the changed content, or with no digest."""
    path = data.draw(st.sampled_from([path for path in places(fields) if path]))
    holder = fields
    for key in path[:-1]:
        holder = holder[key]
    change = data.draw(st.sampled_from(["set", "delete", "add", "repeat"]))
    value = copy.deepcopy(data.draw(st.sampled_from(HOSTILE)))
    if change == "set":
        holder[path[-1]] = value
    elif change == "delete":
        del holder[path[-1]]
    elif change == "add" and isinstance(holder, dict):
        holder["odd"] = value
    elif change == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[path[-1]]))
    if data.draw(st.booleans()):
        fields.pop("digest", None)
        if isinstance(fields.get("spec"), dict):
            fields["hash"] = digest(fields["spec"])


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_a_result_of_any_content_is_read_or_named(store, result, caplog, data):
    caplog.clear()
    whole = json.loads(result.text())
    fields = copy.deepcopy(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        mutated(data, fields)
    path = store.path(result.spec)
    path.write_text(json.dumps(fields))
    found = load_all(store.folder)
    assert len(found) == 1 or path.name in caplog.text
    if found:
        assert render(found) and all(
            0 <= value <= 1 for name in found[0].selections for value in found[0].accuracy(name)
        )
    elif fields.get("format") in (None, 2):
        assert store.read(result.spec) is None and not path.exists()


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'{"format": 1e999}', b'"\\ud800"', b"\0", b"null"]
)
def test_texts_of_any_kind_are_damage(store, result, content):
    path = store.path(result.spec)
    path.write_bytes(content)
    assert load_all(store.folder) == [] and store.read(result.spec) is None and not path.exists()


@pytest.mark.parametrize("letter", ["x", "語"])
def test_no_name_is_longer_than_file_systems_allow(store, result, monkeypatch, letter):
    """The trap: a run that is trained, and then cannot be written."""
    monkeypatch.setattr(claims, "this_host", lambda: "h" * 32 + "-4026531836")
    monkeypatch.setattr(module.os, "getpid", lambda: 4194304)
    names, write = [], module._write
    monkeypatch.setattr(module, "_write", lambda path, content: names.append(path.name) or write(path, content))
    task = "->".join(f"folder:/{letter * 200}/{part}" for part in "ab")
    spec = dataclasses.replace(
        result.spec, task=task, strategy="+".join(f"strategy_{letter * 9}{n}" for n in range(20))
    )
    long = dataclasses.replace(result, spec=spec)
    with store.claim([spec]) as mine:
        assert mine and store.write(long) == store.path(spec)
        store.write(dataclasses.replace(long, code="2"))
        store.write(dataclasses.replace(long, status="failed", selections={}, error="x"))
        names += os.listdir(store.folder)
    assert store.read(spec) is not None and load_all(store.folder)[0].spec == spec
    for _ in range(3):
        store.path(spec).write_text("damage")
        assert store.read(spec) is None
    names += os.listdir(store.folder)
    assert len({name for name in names if "damaged" in name}) == 3
    assert max(len(name.encode()) for name in names) <= 255
    other = dataclasses.replace(spec, task=f"{task}c")
    assert store.path(other) != store.path(spec)
    assert all(module.TEMPORARY.fullmatch(name) for name in names if name.endswith(".tmp"))
