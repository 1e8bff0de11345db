"""Folders of images: layouts, splits, sizes, and every way in which one can be wrong."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx import DataAbsent, DataError, Protocol
from tlx.data import Task, load_task
from tlx_datasets import folder


def image(path: Path, value: int = 0, size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value // 2, 255 - value)).save(path)


@pytest.fixture
def office(tmp_path) -> Path:
    """Ten images of each of three classes, each of one colour and of a size of its own."""
    for number, name in enumerate(("bike", "mug", "back pack")):
        for row in range(10):
            image(tmp_path / "amazon" / name / f"frame_{row:04d}.png", 20 * row + number, (10 + row, 24 - row))
    return tmp_path / "amazon"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    place = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TLX_DATA_DIR", str(place))
    return place


def load(root: Path, size: int = 16):
    return folder.load(f"{root}?size={size}")()


def test_a_class_for_each_sub_folder(office):
    data = load(office)
    assert data.name == f"folder:{office}?size=16" and data.classes == ("back pack", "bike", "mug")
    assert data.train.x.shape == (24, 16, 16, 3) and data.test.x.shape == (6, 16, 16, 3)
    assert np.bincount(data.train.y).tolist() == [8, 8, 8] and np.bincount(data.test.y).tolist() == [2, 2, 2]
    for part in (data.train, data.test):
        number = part.x[:, 8, 8, 0] % 20
        assert [("bike", "mug", "back pack")[n] for n in number] == [data.classes[label] for label in part.y]


def test_the_size_is_224_by_default(office):
    assert folder.load(str(office))().train.x.shape == (24, 224, 224, 3)


def test_the_split_does_not_depend_on_names(office, tmp_path):
    first = load(office)
    other = tmp_path / "renamed"
    for path in office.rglob("*.png"):
        (other / path.parent.name).mkdir(parents=True, exist_ok=True)
        (other / path.parent.name / f"x{path.name}").write_bytes(path.read_bytes())
    again = load(other)
    assert set(first.test.origin) == set(again.test.origin)


@pytest.mark.parametrize("test", ["test", "val", "validation"])
def test_splits_in_sub_folders(test, tmp_path):
    for split, rows in (("train", 4), (test, 2)):
        for name in ("a", "b"):
            for row in range(rows):
                image(tmp_path / split / name / f"{row}.png", 50 * row + len(split) * 3 + ord(name))
    data = load(tmp_path)
    assert len(data.train.y) == 8 and len(data.test.y) == 4 and data.classes == ("a", "b")


def test_an_image_of_train_that_is_in_test_too_is_left_out(tmp_path, caplog):
    for split, rows in (("train", 4), ("test", 2)):
        for name in ("a", "b"):
            for row in range(rows):
                image(tmp_path / split / name / f"{row}.png", 50 * row + ord(name))
    data = load(tmp_path)
    assert len(data.train.y) == 4 and len(data.test.y) == 4 and not set(data.train.origin) & set(data.test.origin)
    assert "4 train images are in test too" in caplog.text


def test_hidden_files_are_ignored_and_sub_folders_of_a_class_are_not(office):
    (office / "bike" / ".DS_Store").write_bytes(b"x")
    (office / ".git").mkdir()
    (office / "README.txt").write_text("beside the classes")
    image(office / "bike" / "more" / "deep.JPG", 222)
    data = load(office)
    assert np.bincount(data.train.y).tolist() == [8, 9, 8]


def test_a_changed_file_is_seen(office):
    first = folder.load(str(office)).key
    path = office / "bike" / "frame_0000.png"
    os.utime(path, ns=(1, 1))
    assert folder.load(str(office)).key != first != folder.load(f"{office}?size=8").key


def damage(office: Path, how: str) -> str:
    path = office / "mug" / "frame_0003.png"
    if how == "empty file":
        path.write_bytes(b"")
        return r"frame_0003\.png is empty"
    if how == "undecodable":
        path.write_bytes(b"no image")
        return r"frame_0003\.png cannot be decoded"
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:60])
        return r"frame_0003\.png cannot be decoded"
    if how == "other suffix":
        (path.parent / "labels.txt").write_text("x")
        return r"class folder '.*mug' has 1 files that are no images, as 'labels\.txt'; expected \.bmp"
    if how == "empty class":
        (office / "nothing").mkdir()
        return r"class folder '.*nothing' has no image"
    if how == "one image":
        image(office / "single" / "1.png")
        return "A class has one image"
    assert how == "one class"
    for name in ("bike", "mug"):
        for file in (office / name).iterdir():
            file.unlink()
        (office / name).rmdir()
    return "has one class, 'back pack'; expected two or more"


@pytest.mark.parametrize(
    "how", ["empty file", "undecodable", "truncated", "other suffix", "empty class", "one image", "one class"]
)
def test_what_is_wrong_is_named_and_leaves_nothing_behind(how, office, cache):
    message = damage(office, how)
    with pytest.raises(DataError, match=message):
        load(office)
    assert not [path for path in cache.rglob("*") if path.suffix == ".npy"]


def test_a_class_of_two_images_has_one_in_each_split_and_no_more_shots(office):
    for row in range(2):
        image(office / "rare" / f"{row}.png", 40 * row)
    data = load(office)
    rare = data.classes.index("rare")
    assert np.bincount(data.train.y)[rare] == np.bincount(data.test.y)[rare] == 1
    task = Task((), ("few",), Protocol("P/2", "any", 16, 3, shots=2))
    with pytest.raises(DataError, match="class 'rare' of .* has 1 train rows; expected 2 or more"):
        load_task(task, lambda _: dataclasses.replace(data, name="few"))


def test_no_class_and_no_folder(tmp_path):
    with pytest.raises(DataError, match="has no class; expected two or more"):
        load(tmp_path)
    with pytest.raises(DataAbsent, match="There is no folder '.*absent'"):
        load(tmp_path / "absent")


def test_splits_with_different_classes_are_named(tmp_path):
    for place in ("train/a", "train/b", "test/a", "test/c"):
        image(tmp_path / place / "1.png")
    with pytest.raises(DataError, match="different classes: only 'train' has b; only 'test' has c"):
        load(tmp_path)


@pytest.mark.data
def test_a_real_folder(raw):
    data = load(raw / "office_caltech10" / "webcam", size=32)
    assert len(data.classes) == 10 and len(data.train.y) + len(data.test.y) == 295
    assert "backpack" in data.classes and abs(len(data.test.y) / 295 - 0.2) < 0.03
