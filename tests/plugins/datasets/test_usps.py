"""USPS in its three forms: the same bytes from each, the official rows, and errors that name the file."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlx import DataAbsent, DataError
from tlx_datasets import usps

SMALL = {"train": (2, 1, 1, 1, 1, 1, 1, 1, 1, 1), "test": (1, 1, 1, 1, 1, 1, 1, 1, 1, 1)}


def content(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Thousandths and labels."""
    y = np.repeat(np.arange(10), SMALL[split])
    return np.random.default_rng(len(y)).integers(-1000, 1001, (len(y), 256)), y


def write_text(folder: Path) -> None:
    for split in SMALL:
        x, y = content(split)
        lines = [
            f"{label}.0000 " + " ".join(f"{v / 1000:.4f}" for v in row) + " \n" for row, label in zip(x, y, strict=True)
        ]
        (folder / f"zip.{split}.gz").write_bytes(gzip.compress("".join(lines).encode()))


def write_libsvm(folder: Path) -> None:
    for split, name in (("train", "usps.bz2"), ("test", "usps.t.bz2")):
        x, y = content(split)
        lines = []
        for row, label in zip(x, y, strict=True):
            pairs = " ".join(f"{place}:{v / 1000:g}" for place, v in enumerate(row, 1) if v)
            lines.append(f"{label + 1} {pairs}\n")
        (folder / name).write_bytes(bz2.compress("".join(lines).encode()))


def write_h5(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "usps.h5", "w") as file:
        for split in SMALL:
            x, y = content(split)
            file[f"{split}/data"] = ((x / 1000 + 1) / 2).astype(np.float32)
            file[f"{split}/target"] = y.astype(np.int32)


FORMS = {"text": write_text, "libsvm": write_libsvm, "h5": write_h5}


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(usps, "COUNTS", SMALL)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bytes(form, small, tmp_path):
    FORMS[form](tmp_path)
    data = usps.build(tmp_path)
    for split in SMALL:
        x, y = content(split)
        rows = getattr(data, split)
        expected = {
            (np.rint((row / 1000 + 1) / 2 * 255 + 1e-9).astype(np.uint8).tobytes(), label)
            for row, label in zip(x, y, strict=True)
        }
        assert {(image.tobytes(), label) for image, label in zip(rows.x, rows.y, strict=True)} == expected
        assert rows.x.shape == (len(y), 16, 16, 1) and rows.y.dtype == np.int32
    assert data.name == "usps" and data.classes == tuple("0123456789")


@pytest.mark.parametrize(
    ("value", "byte"), [(-1.0, 0), (1.0, 255), (0.0, 128), (-0.631, 47), (0.862, 237), (np.float32(0.384), 176)]
)
def test_values_become_the_nearest_bytes(value, byte):
    assert usps.grey(np.full((1, 256), value), Path("x"))[0, 0, 0, 0] == byte


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 255)), "values (2, 255); expected 256 a row"),
        (np.full((1, 256), 1.5), "beyond -1 to 1"),
        (np.full((1, 256), np.nan), "beyond -1 to 1, or not numbers"),
        (np.full((1, 256), 0.12345), "between the thousandths"),
    ],
)
def test_other_values_are_named(values, message):
    with pytest.raises(DataError) as caught:
        usps.grey(values, Path("a/usps.h5"))
    assert "a/usps.h5" in str(caught.value) and message in str(caught.value)


def test_other_rows_than_the_official_ones_are_refused(tmp_path):
    write_text(tmp_path)
    with pytest.raises(DataError, match=r"zip\.train\.gz: rows of each class are .* expected \(1194, 1005"):
        usps.build(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"no\n" * 99)]
)
@pytest.mark.parametrize(("form", "name"), [("text", "zip.test.gz"), ("libsvm", "usps.bz2"), ("h5", "usps.h5")])
def test_a_damaged_file_is_named(form, name, damage: Callable[[Path], None], small, tmp_path):
    FORMS[form](tmp_path)
    damage(tmp_path / name)
    with pytest.raises(DataError, match=name):
        usps.build(tmp_path)


def test_no_file(tmp_path):
    with pytest.raises(
        DataAbsent, match=r"No file of USPS is in .* expected zip\.train\.gz and zip\.test\.gz; .*usps\.h5"
    ):
        usps.build(tmp_path)


def test_official_files_in_the_raw_folder_are_taken(small, tmp_path, monkeypatch):
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path))
    usps.usps.folder.mkdir(parents=True)
    write_text(usps.usps.folder)
    data = usps.usps()
    assert len(data.train.y) == 11 and len(data.test.y) == 10


@pytest.mark.data
def test_the_real_file(raw):
    data = usps.build(raw)
    assert data.train.x.shape == (7291, 16, 16, 1) and data.test.x.shape == (2007, 16, 16, 1)
    for split in ("train", "test"):
        rows = getattr(data, split)
        assert tuple(np.bincount(rows.y)) == usps.COUNTS[split]
        assert rows.x.min() == 0 and rows.x.max() == 255
