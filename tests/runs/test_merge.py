import dataclasses
import errno
import shutil
from pathlib import Path

import pytest

from tlx.errors import ResultError
from tlx.runs import load_all
from tlx.runs.merge import merge
from tlx.runs.result import Times
from tlx.runs.store import Store


@pytest.fixture
def other(result):
    """The result of another run."""
    return dataclasses.replace(result, spec=dataclasses.replace(result.spec, seeds=(4, 5)))


def folder(path, *results):
    store = Store(path)
    store.prepare()
    for result in results:
        store.write(result)
    return path


def names(path):
    return sorted(item.name for item in path.iterdir())


def elsewhere(result):
    place = dataclasses.replace(result.environment, device="gpu", git="f00")
    return dataclasses.replace(result, times=Times("2030-01-01T00:00:00+00:00", 1.0), environment=place)


def test_the_union_of_results_and_what_lies_beside_them(result, other, tmp_path):
    a, b = folder(tmp_path / "a", result), folder(tmp_path / "b", other, elsewhere(result))
    (a / f"{result.spec.file_name}.npz").write_bytes(b"arrays")
    (b / "notes.md").write_text("mine")
    copied = merge([a, b], tmp_path / "c")
    assert [path.parent for path in copied] == [a, b]
    assert sorted(load_all(tmp_path / "c"), key=lambda item: item.spec.seeds) == [result, other]
    assert names(tmp_path / "c") == sorted([path.name for path in copied] + [f"{result.spec.file_name}.npz"])
    before = (tmp_path / "c" / copied[0].name).stat().st_mtime_ns
    assert merge([b, a], tmp_path / "c") == [], "what is there already stays"
    assert (tmp_path / "c" / copied[0].name).stat().st_mtime_ns == before


def test_results_that_do_not_agree_are_both_named_and_nothing_is_copied(result, other, tmp_path):
    scores = [dataclasses.replace(score, accuracy=0.5) for score in result.selections["last"].scores]
    changed = result.selections | {"last": dataclasses.replace(result.selections["last"], scores=scores)}
    a = folder(tmp_path / "a", other, result)
    b = folder(tmp_path / "b", dataclasses.replace(result, selections=changed))
    with pytest.raises(ResultError, match="do not agree: selections") as caught:
        merge([a, b], tmp_path / "c")
    assert all(str(Store(place).path(result.spec)) in str(caught.value) for place in (a, b))
    assert not (tmp_path / "c").exists()


def test_a_finished_result_goes_before_a_failed_one(result, tmp_path):
    failed = dataclasses.replace(result, status="failed", error="no", selections={}, curves=[])
    a, b, c = folder(tmp_path / "a", failed), folder(tmp_path / "b", result), folder(tmp_path / "c", failed)
    for order in ([a, b], [b, a]):
        merge(order, c)
        assert load_all(c) == [result]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ResultError, match="does not exist"):
        merge([tmp_path / "a"], tmp_path / "c")


def test_a_full_disk_is_named_and_leaves_nothing_half_copied(result, other, tmp_path, monkeypatch):
    a, copy = folder(tmp_path / "a", result, other), shutil.copyfile

    def full(source, target):
        copy(source, target)
        if len(list((tmp_path / "c").glob("*.json"))) == 1:
            Path(target).write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(ResultError, match="cannot be copied to .*No space left on device"):
            merge([a], tmp_path / "c")
    assert len(load_all(tmp_path / "c")) == len(names(tmp_path / "c")) == 1
    assert len(merge([a], tmp_path / "c")) == 1 and len(load_all(tmp_path / "c")) == 2
