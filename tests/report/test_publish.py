import dataclasses
import hashlib
import os
import re

import numpy as np
import pytest

from tlx.errors import ResultError
from tlx.report.publish import publish, without_paths
from tlx.runs import load_all
from tlx.runs.store import Store

HERE = "/home/jane doe/studies"


@pytest.fixture
def private(result):
    """A result that is full of paths, and one that failed."""
    spec = dataclasses.replace(
        result.spec,
        task=f"folder:{HERE}/photos/A->folder:{HERE}/photos/B@P-2000/10",
        plugin_files=(f"{HERE}/mine.py",),
        weights="/data/jane/weights.safetensors",
    )
    error = f"OSError: '{HERE}/mine.py' and /scratch/jane/x.npz and C:\\Users\\jane\\y.npz; see https://a.org/b/c"
    failed = dataclasses.replace(
        result, spec=dataclasses.replace(spec, seeds=(4, 5)), status="failed", error=error, traceback=error,
        selections={}, curves=[], command=spec.command,
    )  # fmt: skip
    return dataclasses.replace(result, spec=spec, command=spec.command), failed


@pytest.fixture
def folder(tmp_path, private):
    store = Store(tmp_path / "study")
    store.prepare()
    for item in private:
        store.write(item)
    points = np.zeros((2, 3, 2))
    store.keep(private[0].spec, {
        "points": points, "predicted": np.zeros((2, 3), int), "steps": np.zeros(2, int), "source": np.zeros(3, bool),
        "y": np.zeros(3, int), "classes": np.array(["kept-embedding"]),
    })  # fmt: skip
    return store.folder


def contents(site):
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_all_that_shows_the_results_and_no_path_of_the_machine(folder, private, tmp_path):
    site = publish(folder, tmp_path / "site")
    files = contents(site)
    results = [f"results/{item.spec.file_name}.json" for item in map(without_paths, private)]
    assert sorted(files) == sorted(
        [*results, "README.md", "SHA256SUMS", "index.html", "table.csv", "table.json", "table.md"]
    )
    for name, text in files.items():
        for told in (b"jane", b"studies", b"scratch", b"Users", str(tmp_path).encode()):
            assert told not in text, f"{name} has {told}"
    assert b"kept-embedding" in files["index.html"] and b"folder:A->folder:B@P-2000/10" in files["table.json"]
    assert b"https://a.org/b/c" in files[results[1]] and b"mine.py" in files[results[0]]
    assert sorted(item.status for item in load_all(site / "results")) == ["failed", "finished"]


def test_the_checksums_are_those_of_all_other_files(folder, tmp_path):
    files = contents(publish(folder, tmp_path / "site"))
    sums = files.pop("SHA256SUMS").decode()
    assert sums == "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def test_a_second_time_it_replaces_the_first_and_is_the_same(folder, tmp_path):
    first = contents(publish(folder, tmp_path / "site"))
    (tmp_path / "site" / "old.txt").touch()
    assert contents(publish(folder, tmp_path / "site")) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "study"]


def test_what_is_no_publication_is_left_alone(folder, tmp_path):
    (tmp_path / "site").mkdir()
    publish(folder, tmp_path / "site")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for out in (tmp_path / "mine", folder):
        with pytest.raises(ResultError, match="is there and is no publication of tlx"):
            publish(folder, out)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_the_earlier_one_and_nothing_half_written(folder, tmp_path, monkeypatch, call):
    before = contents(publish(folder, tmp_path / "site"))
    original, calls = getattr(os, call), []

    def full(*args):
        calls.append(args)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return original(*args)

    monkeypatch.setattr(os, call, full)
    with pytest.raises(ResultError, match="site' cannot be written: No space left on device"):
        publish(folder, tmp_path / "site")
    assert contents(tmp_path / "site") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "study"]


def test_results_that_differ_in_their_paths_alone_are_named(folder, private, tmp_path):
    other = dataclasses.replace(private[0].spec, task=private[0].spec.task.replace("studies", "others"))
    Store(folder).write(dataclasses.replace(private[0], spec=other))
    with pytest.raises(ResultError, match="Without their paths these are one run: folder:.* and folder:"):
        publish(folder, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_names_that_are_no_paths_stay(result):
    texts = ("a->b/10", "hf:owner/name", "1/2 of it", "tfds:mnist/3d", "see https://x.org/a/b", "and/or")
    failed = dataclasses.replace(result, status="failed", error=" | ".join(texts), selections={}, curves=[])
    assert without_paths(failed).error == failed.error


def test_the_command(folder, tmp_path, tlx_command):
    code, out, _ = tlx_command("publish", str(folder), "--out", str(tmp_path / "site"), "--title", "Mine & theirs")
    assert code == 0 and re.search("<title>Mine &amp; theirs</title>", (tmp_path / "site/index.html").read_text())
    assert out == f"wrote {tmp_path / 'site'}\n"
    code, _, err = tlx_command("publish", str(tmp_path / "none"), "--out", str(tmp_path / "other"))
    assert code == 1 and "does not exist" in err
    code, _, err = tlx_command("publish", str(folder), "--out", "")
    assert code == 1 and "--out is ''; expected the path of a folder" in err
