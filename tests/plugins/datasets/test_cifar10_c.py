"""CIFAR-10-C as published: the rows of a severity, out of an archive of the real layout."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tlx import Arrays, Dataset
from tlx.errors import DataError
from tlx_datasets import cifar10_c

ROWS = 20


@pytest.fixture
def clean() -> Dataset:
    y = np.arange(120, dtype=np.int32) % 10
    x = np.zeros((120, 32, 32, 3), np.uint8)
    train = Arrays(x, y, np.array([f"cifar10/train/{row:05d}" for row in range(120)]))
    test = Arrays(x[:10], y[:10], np.array([f"cifar10/test/{row:05d}" for row in range(10)]))
    return Dataset("cifar10", train, test, tuple("abcdefghij"))


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr(cifar10_c, "ROWS", ROWS)


def archive(folder: Path, **arrays: np.ndarray) -> None:
    with tarfile.open(folder / cifar10_c.ARCHIVE.name, "w") as file:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array)
            info = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            info.size = stream.tell()
            stream.seek(0)
            file.addfile(info, stream)


def published() -> dict[str, np.ndarray]:
    fog = np.random.default_rng(0).integers(0, 256, (5 * ROWS, 32, 32, 3), np.uint8)
    return {"brightness": fog[::-1], "fog": fog, "labels": np.tile(np.arange(ROWS) % 10, 5)}


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_the_rows_of_a_severity(severity, clean, tmp_path):
    archive(tmp_path, **published())
    prepared = cifar10_c.load(f"fog/{severity}")
    data = prepared.build(clean, tmp_path)
    assert data.name == prepared.name == f"cifar10_c:fog/{severity}"
    assert np.array_equal(data.test.x, published()["fog"][(severity - 1) * ROWS : severity * ROWS])
    assert data.test.y.tolist() == [row % 10 for row in range(ROWS)]
    assert np.bincount(data.train.y).tolist() == [10] * 10 and set(data.train.origin) <= set(clean.train.origin)


def test_all_severities_share_the_archive(monkeypatch, tmp_path):
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path))
    one, other = cifar10_c.load("fog/1"), cifar10_c.load("snow/5")
    assert one.folder == other.folder and one.key != other.key


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"fog": published()["fog"]}, "it has no CIFAR-10-C/labels.npy"),
        ({"fog": np.zeros((3, 32, 32, 3), np.uint8), "labels": np.zeros(3)}, r"images uint8 \(3, 32, 32, 3\)"),
        ({"fog": np.zeros((5 * ROWS, 32, 32, 3)), "labels": np.zeros(5 * ROWS)}, "images float64"),
    ],
)
def test_another_archive_is_named(arrays, message, clean, tmp_path):
    archive(tmp_path, **arrays)
    with pytest.raises(DataError, match=f"CIFAR-10-C.tar.*{message}"):
        cifar10_c.build(clean, tmp_path, "fog", 1)


@pytest.mark.parametrize("keep", [0, 700, 100_000])
def test_a_truncated_archive_is_named(keep, clean, tmp_path):
    archive(tmp_path, **published())
    path = tmp_path / cifar10_c.ARCHIVE.name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"CIFAR-10-C\.tar"):
        cifar10_c.build(clean, tmp_path, "fog", 1)


@pytest.mark.parametrize(
    ("name", "message"), [("frog/1", "nearest: fog"), ("fog/0", "severity 1 to 5"), ("fog", "severity")]
)
def test_other_names_are_refused(name, message):
    with pytest.raises(DataError, match=message):
        cifar10_c.load(name)


def test_nineteen_corruptions():
    assert len(set(cifar10_c.PUBLISHED)) == 19
