"""Datasets prepared from raw files: when they are built, when again, and what is told of them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tlx.data import Arrays, Dataset
from tlx.errors import DataAbsent, DataError
from tlx.store import File, Prepared, Ready
from tlx.store.inventory import problems, state

RAW = b"\x05\x06\x07"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "given").mkdir()
    (tmp_path / "given/some name").write_bytes(RAW)
    return tmp_path / "given"


def made(name: str, pixel: int) -> Dataset:
    def split(first: int) -> Arrays:
        origin = np.array([f"{name}/{row}" for row in range(first, first + 4)])
        return Arrays(np.full((4, 2, 2, 1), pixel, np.uint8), np.arange(4, dtype=np.int32) % 2, origin)

    return Dataset(name, split(0), split(10), ("a", "b"))


def prepared(name: str = "toy", **changes) -> Prepared:
    file = File("raw.bin", hashlib.sha256(RAW).hexdigest(), size=3)
    build = changes.pop("build", lambda folder: made(name, (folder / "raw.bin").read_bytes()[0]))
    return Prepared(name, build, **{"files": (file,), **changes})


def never(*_) -> Dataset:
    raise AssertionError("built again")


def test_a_dataset_is_built_once_from_the_files_given(home, given):
    assert prepared().prepare(given).train.x.max() == 5
    assert (home / "raw/toy/raw.bin").read_bytes() == RAW
    assert prepared(build=never)().train.x.max() == 5


def test_without_its_files_it_is_absent_and_says_what_to_do(home):
    with pytest.raises(DataAbsent, match=f"raw.bin is not at {home}/raw/toy/raw.bin(.|\n)*tlx data prepare toy --from"):
        prepared()()


@pytest.mark.parametrize("changes", [{"version": 2}, {"files": ()}, {"name": "toy2"}])
def test_what_decides_the_content_decides_the_key(changes):
    assert prepared(**changes).key != prepared().key == prepared(build=never, source="s", licence="l").key


def test_it_is_built_of_what_it_needs(given):
    first = prepared()
    second = prepared("second", needs=(first,), build=lambda toy, folder: made("second", toy.train.x.max() + 1))
    assert second.prepare(given).train.x.max() == 6
    assert second.key != prepared("second", needs=(prepared(version=2),)).key
    assert prepared("second", needs=(first,), build=never)().train.x.max() == 6


def test_what_something_else_prepared_is_taken(tmp_path):
    ready = Ready("its content", tmp_path, lambda: made("toy", 9))
    assert prepared(ready=lambda: ready)().train.x.max() == 9
    assert prepared(ready=lambda: ready).key != prepared(ready=lambda: ready._replace(key="other")).key


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (made("other", 1), "Dataset 'toy': its builder gave a dataset named 'other'"),
        (None, "Dataset 'toy': its builder gave None; expected a tlx.Dataset"),
    ],
)
def test_a_builder_that_gives_something_else_is_told(built, message):
    with pytest.raises(DataError, match=message):
        prepared(files=(), build=lambda folder: built)()


def test_the_state_goes_from_absent_to_cached(given, tmp_path):
    dataset, file = prepared(), File("more.bin", "0" * 64, size=40)
    second = prepared("second", needs=(dataset,), build=lambda toy, folder: made("second", 1))
    assert state(dataset) == ("absent", 3, None) and state(second) == ("absent", 6, None)
    assert state(prepared(files=(*dataset.files, file))) == ("absent", 43, None)
    second.folder.mkdir(parents=True)
    (second.folder / "raw.bin").write_bytes(RAW)
    assert state(second) == ("absent", 3, None)
    dataset.folder.mkdir(parents=True)
    (dataset.folder / "raw.bin").write_bytes(RAW)
    assert state(dataset) == ("raw", 3, dataset.folder) and state(second).kind == "raw"
    second()
    assert state(dataset).kind == state(second).kind == "cached" and state(second).where == second.place
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready/records").write_bytes(b"1234567")
    ready = Ready("k", tmp_path / "ready", lambda: made("toy", 9))
    assert state(prepared(ready=lambda: ready)) == ("prepared", 7, tmp_path / "ready")


def test_verifying_names_every_file_that_is_wrong(given):
    dataset = prepared()
    assert problems(dataset) == []
    dataset.prepare(given)
    assert problems(dataset) == []
    (dataset.folder / "raw.bin").write_bytes(b"567")
    image = dataset.place / "train_x.npy"
    data = bytearray(image.read_bytes())
    data[-1] ^= 1  # one bit, which the size does not tell
    image.write_bytes(data)
    (dataset.place / "test_y.npy").unlink()
    raw, pixels, labels, reading = problems(dataset)
    assert raw.startswith(f"{dataset.folder / 'raw.bin'}: SHA-256 is ") and "tlx data prepare 'toy'" in raw
    assert pixels.startswith(f"{image}: SHA-256 is ") and f"Delete the folder {dataset.place}" in pixels
    assert labels.startswith(f"{dataset.place / 'test_y.npy'}: SHA-256 is missing; expected ")
    assert reading.startswith(f"The cache file {image} is damaged")
