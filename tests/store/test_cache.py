"""The cache: what is kept comes back; two builders, a killed one and damaged files leave nothing half-built."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tlx.data import Arrays, Dataset, Tokens, Vector
from tlx.data.tree import leaves, take
from tlx.errors import DataError
from tlx.store import cache
from tlx.store.file import sha256


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "home"))
    return tmp_path / "home"


def arrays(first: int, rows: int) -> Arrays:
    x = np.random.default_rng(first).integers(0, 256, (rows, 4, 4, 3), np.uint8)
    origin = np.array([f"é/{row}" for row in range(first, first + rows)])
    return Arrays(x, np.arange(rows, dtype=np.int32) % 2, origin)


def dataset(rows: int = 20, name: str = "toy") -> Dataset:
    return Dataset(name, arrays(0, rows), arrays(1000, 6), ("a", "b"))


def never() -> Dataset:
    raise AssertionError("built again")


def same(a: Dataset, b: Dataset) -> bool:
    parts = [(x, y) for split in ("train", "test") for x, y in zip(getattr(a, split), getattr(b, split), strict=True)]
    return (a.name, a.classes) == (b.name, b.classes) and all(np.array_equal(x, y) for x, y in parts)


def left(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "cache").iterdir() if path.suffix != ".lock")


def test_what_is_kept_comes_back_memory_mapped_and_read_only(home):
    first = cache.load_or_build("tfds:a/b", "k" * 64, lambda: dataset(name="tfds:a/b"))
    again = cache.load_or_build("tfds:a/b", "k" * 64, never)
    assert same(first, dataset(name="tfds:a/b")) and same(again, first)
    for array in (*first.train, *again.test):
        assert isinstance(array, np.memmap) and not array.flags.writeable
    assert left(home) == ["tfds-a-b-" + "k" * 16]


def test_other_kinds_of_input_and_target_come_back():
    first, second = arrays(0, 20), arrays(1000, 6)
    tree = {"b": (np.zeros((26, 2), np.float32), np.ones((26, 1), np.float32)), "a": np.full((26, 3), 2, np.float32)}
    parts = [
        part._replace(x=take(tree, rows), y=np.full((len(part.y), 2), 0.5, np.float32))
        for part, rows in ((first, slice(20)), (second, slice(20, 26)))
    ]
    kept = Dataset("table", parts[0], parts[1], (), Vector(standardise=False), "real")
    for found in (cache.load_or_build("table", "k" * 64, lambda: kept), cache.load_or_build("table", "k" * 64, never)):
        assert (found.input, found.target_kind, found.classes) == (Vector(False), "real", ())
        assert sorted(found.train.x) == ["a", "b"] and isinstance(found.train.x["b"], tuple)
        for split, part in zip((found.train, found.test), parts, strict=True):
            assert all(map(np.array_equal, leaves(split.x), leaves(part.x))) and np.array_equal(split.y, part.y)
            assert isinstance(split.x["b"][1], np.memmap)
    words = Dataset("words", *(part._replace(x=np.ones((len(part.y), 4), np.int32)) for part in (first, second)),
                    classes=("a", "b"), input=Tokens(9))  # fmt: skip
    assert cache.load_or_build("words", "k" * 64, lambda: words).input == Tokens(9)


def test_another_key_is_another_dataset():
    cache.load_or_build("toy", "a" * 64, lambda: dataset(20))
    assert len(cache.load_or_build("toy", "b" * 64, lambda: dataset(30)).train.y) == 30
    assert len(cache.load_or_build("toy", "a" * 64, never).train.y) == 20


def test_the_hash_is_of_the_content():
    def found(key: str, rows: int) -> str:
        cache.load_or_build("toy", key * 64, lambda: dataset(rows))
        return cache.meta(cache.place("toy", key * 64))["hash"]

    assert found("a", 20) == found("b", 20) != found("c", 21)


def test_a_build_that_fails_leaves_nothing(home):
    with pytest.raises(ZeroDivisionError):
        cache.load_or_build("toy", "k" * 64, lambda: dataset(1 // 0))
    assert left(home) == []
    assert same(cache.load_or_build("toy", "k" * 64, dataset), dataset())


@pytest.mark.parametrize("file", ["train_x.npy", "train_origin.npy", "test_y.npy", "meta.json"])
@pytest.mark.parametrize("how", ["gone", "empty", "cut", "other"])
def test_a_damaged_file_is_named_and_the_cache_built_again(home, caplog, file, how):
    cache.load_or_build("toy", "k" * 64, dataset)
    place = home / "cache" / left(home)[0]
    path = place / file
    if how == "gone":
        path.unlink()
    else:
        size = path.stat().st_size
        path.write_bytes({"empty": b"", "cut": path.read_bytes()[:-1], "other": b"{" * size}[how])
    with pytest.raises(DataError, match=f"The cache file {path} is damaged: "):
        cache.read("toy", place)
    with caplog.at_level(logging.WARNING, "tlx"):
        assert same(cache.load_or_build("toy", "k" * 64, dataset), dataset())
    assert f"The cache file {path} is damaged" in caplog.text and "built again" in caplog.text
    assert same(cache.load_or_build("toy", "k" * 64, never), dataset()) and len(left(home)) == 1


@pytest.mark.parametrize("about", [[], {"name": "toy"}, {"name": "toy", "classes": 1, "files": [], "hash": ""}])
def test_a_meta_file_that_says_something_else_is_damaged(home, about):
    cache.load_or_build("toy", "k" * 64, dataset)
    place = home / "cache" / left(home)[0]
    (place / "meta.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="damaged"):
        cache.read("toy", place)


def test_pickles_are_not_read(home):
    cache.load_or_build("toy", "k" * 64, dataset)
    place = home / "cache" / left(home)[0]
    about, path = json.loads((place / "meta.json").read_text()), place / "train_y.npy"
    np.save(path, np.array([print], object), allow_pickle=True)
    about["files"]["train_y.npy"] = {"size": path.stat().st_size, "sha256": sha256(path)}
    about["hash"] = cache._hash(about)
    (place / "meta.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="train_y.npy is damaged: "):
        cache.read("toy", place)


def test_a_folder_that_cannot_be_written_is_named(home):
    home.write_text("a file")
    with pytest.raises(DataError, match="Dataset 'toy': the cache .* cannot be written or read"):
        cache.load_or_build("toy", "k" * 64, dataset)


PROCESS = """
import sys, time
import numpy as np
from tlx.data import Arrays, Dataset, Tokens, Vector
from tlx.data.tree import leaves, take
from tlx.store import cache
from tlx.store.file import sha256

def build():
    with open(sys.argv[1], "a") as stream:
        stream.write("built\\n")
    time.sleep(0.3)
    split = lambda first: Arrays(np.full((4, 2, 2, 1), first, np.uint8), np.arange(4, dtype=np.int32) % 2,
                                 np.array([f"toy/{row + first}" for row in range(4)]))
    return Dataset("toy", split(0), split(100), ("a", "b"))

def half(stream, array, **options):
    stream.write(b"half")
    stream.flush()
    print("writes", flush=True)
    time.sleep(60)

if sys.argv[2] == "stuck":
    np.save = half
print(cache.load_or_build("toy", "k" * 64, build).test.x.sum())
"""


def process(started: Path, kind: str = "sound") -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PROCESS, str(started), kind], stdout=subprocess.PIPE, text=True)


def test_two_processes_build_once(tmp_path):
    running = [process(tmp_path / "started") for _ in range(3)]
    assert [one.communicate(timeout=60)[0] for one in running] == ["1600\n"] * 3
    assert (tmp_path / "started").read_text() == "built\n"


def test_what_a_killed_builder_left_is_cleared(home, tmp_path):
    """It dies in the middle of writing: an array is half there, and the lock is held."""
    with process(tmp_path / "started", "stuck") as killed:
        assert killed.stdout is not None and killed.stdout.readline() == "writes\n"
        killed.kill()
    assert [".build-" in name for name in left(home)] == [True]
    assert same(cache.load_or_build("toy", "k" * 64, dataset), dataset())
    assert left(home) == ["toy-" + "k" * 16]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["train_x.npy", "test_y.npy"])
def test_a_flipped_bit_is_found_and_the_cache_built_again(home, caplog, file):
    cache.load_or_build("toy", "k" * 64, dataset)
    path = home / "cache" / left(home)[0] / file
    flip(path)
    assert same(cache.load_or_build("toy", "k" * 64, dataset), dataset())
    assert f"The cache file {path} is damaged: its SHA-256 is" in caplog.text


def test_swapped_class_names_are_found_and_the_cache_built_again(home, caplog):
    cache.load_or_build("toy", "k" * 64, dataset)
    path = home / "cache" / left(home)[0] / "meta.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "classes": about["classes"][::-1]}))
    assert cache.load_or_build("toy", "k" * 64, dataset).classes == ("a", "b")
    assert f"{path} is damaged: its hash is not that of its content" in caplog.text


def test_only_what_has_another_mark_is_hashed_and_once(home, monkeypatch):
    hashed = []
    monkeypatch.setattr(cache, "sha256", lambda path: hashed.append(path.name) or sha256(path))
    cache.load_or_build("toy", "k" * 64, dataset)
    place = home / "cache" / left(home)[0]
    hashed.clear()
    assert same(cache.read("toy", place), dataset()) and hashed == []
    os.utime(place / "train_x.npy")
    for _ in range(2):
        assert same(cache.read("toy", place), dataset()) and hashed == ["train_x.npy"]
    (place / "marks.json").write_text("{")  # as in a folder of before: all is hashed, and kept
    for _ in range(2):
        assert same(cache.read("toy", place), dataset()) and len(hashed) == 6
    assert json.loads((place / "marks.json").read_text()).keys() == cache.meta(place)["files"].keys()


def test_in_a_folder_that_cannot_be_written_a_file_is_hashed_once_a_process(home, monkeypatch):
    cache.load_or_build("toy", "k" * 64, dataset)
    place = home / "cache" / left(home)[0]
    os.utime(place / "test_x.npy")

    def refuse(*_):
        raise PermissionError("read-only")

    hashed = []
    monkeypatch.setattr(cache, "_write_marks", refuse)
    monkeypatch.setattr(cache, "sha256", lambda path: hashed.append(path.name) or sha256(path))
    assert all(same(cache.read("toy", place), dataset()) for _ in range(2)) and hashed == ["test_x.npy"]
