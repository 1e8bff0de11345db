import dataclasses
import errno
import logging
import os

import pytest

from tlx.errors import ResultError
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
