"""Hugging Face datasets on disk: columns, splits, labels, and every way in which one can be wrong."""

import io
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx import DataAbsent, DataError
from tlx_datasets import folder, hfdisk

pytestmark = pytest.mark.slow  # importing the package takes seconds


@pytest.fixture(scope="module")
def datasets():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("datasets")
    package.disable_progress_bars()
    return package


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path_factory.mktemp("cache")))


def png(number: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), (number, 7, 7)).save(stream, "PNG")
    return stream.getvalue()


def rows(datasets, numbers, label, **more):
    columns = {"image": [{"bytes": png(number), "path": None} for number in numbers], "label": label, **more}
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["1", "0"])}
    return datasets.Dataset.from_dict(columns).cast_column("image", features["image"]).cast_column(
        "label", features["label"]
    )  # fmt: skip


def load(path: Path, query: str = ""):
    return hfdisk.load(f"{path}?size=8{query}")()


def test_splits_labels_and_names(datasets, tmp_path, caplog):
    parts = {
        "train": rows(datasets, range(8), [0, 1] * 4),
        "validation": rows(datasets, range(20, 24), [1, 1, 0, 0]),
        "unsupervised": rows(datasets, range(30, 32), [0, 1]),
    }
    datasets.DatasetDict(parts).save_to_disk(tmp_path)
    data = load(tmp_path)
    assert data.classes == ("1", "0") and data.train.y.tolist() == [0, 1] * 4 and data.test.y.tolist() == [1, 1, 0, 0]
    assert data.train.x[:, 4, 4, 0].tolist() == list(range(8)) and data.test.x[:, 4, 4, 0].tolist() == [20, 21, 22, 23]
    assert "not taken are its splits unsupervised" in caplog.text
    assert load(tmp_path, "&classes=none").target_kind == "none"


def test_one_split_is_the_folder_of_the_same_images(datasets, tmp_path):
    """A row's origin and the choice of test rows are those of `folder:`."""
    rows(datasets, range(20), [0, 1] * 10).save_to_disk(tmp_path / "hf")
    for number in range(20):
        file = tmp_path / "folder" / ("1", "0")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(number))
    ours, theirs = load(tmp_path / "hf"), folder.load(f"{tmp_path}/folder?size=8")()
    for split in ("train", "test"):
        assert set(getattr(ours, split).origin) == set(getattr(theirs, split).origin)


def test_labels_that_are_no_class_labels(datasets, tmp_path):
    """Numbers are in order of their value, whatever type they have."""
    table = rows(datasets, range(10), [0] * 10, kind=[10, 9] * 5, name=["b", "a"] * 5)
    table.save_to_disk(tmp_path)
    assert load(tmp_path, "&label=kind").classes == ("9", "10")
    assert load(tmp_path, "&label=name").classes == ("a", "b")


def test_what_changed_is_read_again(datasets, tmp_path):
    rows(datasets, range(10), [0, 1] * 5).save_to_disk(tmp_path / "one")
    load(tmp_path / "one")
    rows(datasets, range(30, 40), [0, 1] * 5).save_to_disk(tmp_path / "one")
    assert load(tmp_path / "one").train.x[..., 0].min() >= 30


@pytest.mark.parametrize(
    ("change", "query", "message"),
    [
        (
            lambda table: table.rename_column("image", "img"),
            "&image=imgs",
            "no image column 'imgs'; .* nearest: img",
        ),
        (
            lambda table: table.remove_columns("label"),
            "",
            "as columns of labels: none, of image; expected one",
        ),
        (lambda table: table.add_column("other", [1] * 10), "&label=othr", "no label column 'othr'.* nearest: other"),
        (
            lambda table: table.add_column("gap", [None, "a"] * 5),
            "&label=gap",
            "'gap' is empty in 5 rows: rows, row 0",
        ),
        (lambda table: table, "&sizes=3", "no option 'sizes'"),
    ],
)
def test_what_is_wrong_is_named(datasets, tmp_path, change, query, message):
    change(rows(datasets, range(10), [0, 1] * 5)).save_to_disk(tmp_path)
    with pytest.raises(DataError, match=message):
        load(tmp_path, query)


def test_images_that_cannot_be_decoded_are_named(datasets, tmp_path):
    table = rows(datasets, range(10), [0, 1] * 5).cast_column("image", datasets.Image(decode=False))
    broken = {1: b"no image", 2: b""}
    table = table.map(
        lambda row, place: {"image": {"bytes": broken.get(place, row["image"]["bytes"])}}, with_indices=True
    )
    table.cast_column("image", datasets.Image()).save_to_disk(tmp_path)
    with pytest.raises(DataError, match=f"2 of 10 images cannot be read.*{re.escape(str(tmp_path))}, rows, row [12]"):
        load(tmp_path)


def test_splits_that_are_none(datasets, tmp_path):
    part = rows(datasets, range(4), [0, 1] * 2)
    datasets.DatasetDict({"en": part, "fr": part}).save_to_disk(tmp_path)
    with pytest.raises(DataError, match="has the splits en, fr; expected train, and test or validation"):
        load(tmp_path)


def test_what_is_absent_is_named(tmp_path, monkeypatch):
    with pytest.raises(DataAbsent, match="There is no dataset"):
        load(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataAbsent, match=re.escape("pip install 'tlx[huggingface]'")):
        load(tmp_path)


def test_a_damaged_one_is_named(datasets, tmp_path):
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)


def test_bytes_are_as_they_were_stored(datasets, tmp_path):
    rows(datasets, range(10), [0, 1] * 5).save_to_disk(tmp_path)
    assert np.array_equal(np.unique(load(tmp_path).train.x[..., 1]), [7])
