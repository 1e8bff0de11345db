"""Folders of images: layouts, splits, sizes, and every way in which one can be wrong."""

import dataclasses
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, features

from tlx import DataAbsent, DataError, Protocol
from tlx.data import Task, load_task, parse
from tlx_datasets import folder
from tlx_datasets.folder_layout import Split


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


def outline(root: Path | str) -> str:
    made = folder.load(str(root)).outline
    assert made is not None
    return made()


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
        (path.parent / "frame.eps").write_text("x")
        return (
            r"has entries that are no images \(1\): .*mug/frame\.eps \(no suffix.*expected regular files named \.avif"
        )
    assert how == "one class"
    for name in ("bike", "mug"):
        for file in (office / name).iterdir():
            file.unlink()
        (office / name).rmdir()
    return "has one class, 'back pack'; expected two or more"


@pytest.mark.parametrize("how", ["empty file", "undecodable", "truncated", "other suffix", "one class"])
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
    with pytest.raises(DataError, match="only 'test' has the classes c; expected classes of 'train'"):
        load(tmp_path)


def test_a_class_may_lack_images_or_test_rows(office, tmp_path, caplog):
    (office / "nothing").mkdir()
    image(office / "single" / "1.png", 250)
    data = load(office)
    assert data.classes == ("back pack", "bike", "mug", "nothing", "single")
    assert np.bincount(data.train.y, minlength=5).tolist() == [8, 8, 8, 0, 1]
    assert np.bincount(data.test.y, minlength=5).tolist() == [2, 2, 2, 0, 0]
    assert "classes without an image (1): nothing" in caplog.text
    for place in ("train/a", "train/b", "train/c", "test/a", "test/c"):
        image(tmp_path / "split" / place / "1.png", 10 * ord(place[-1]) % 256, (9 + len(place), 9))
    data = load(tmp_path / "split")
    assert (data.classes, data.test.y.tolist()) == (("a", "b", "c"), [0, 2])


def test_a_class_has_one_name_in_every_unicode_form(tmp_path, caplog):
    """Composed as Linux writes it, or decomposed as macOS does: one class, also in one folder."""
    one, other = "caf\u00e9", "cafe\u0301"
    classes(tmp_path / "a", one, "tea")
    classes(tmp_path / "b", other, "tea", first=100)
    assert load(tmp_path / "a").classes == load(tmp_path / "b").classes == (one, "tea")
    classes(tmp_path / "b", one, first=200)
    data = load(tmp_path / "b")
    assert data.classes == (one, "tea") and np.bincount([*data.train.y, *data.test.y]).tolist() == [4, 2]
    assert "folders of one name in two forms of Unicode are one class (1)" in caplog.text


def test_images_in_no_folder_of_a_class_have_no_labels(tmp_path, caplog):
    for row in range(10):
        image(tmp_path / "photos" / f"{row}.png", 20 * row)
    (tmp_path / "photos" / "notes.txt").write_text("beside")
    data = load(tmp_path / "photos")
    assert (data.target_kind, data.classes) == ("none", ()) and (len(data.train.y), len(data.test.y)) == (8, 2)
    assert "skipped, as no images (1)" in caplog.text
    image(tmp_path / "photos" / "more" / "deep.png", 222)
    with pytest.raises(DataError, match=r"has one class, 'more'.*Images without labels are 'folder:.*\?classes=none'"):
        load(tmp_path / "photos")
    data = folder.load(f"{tmp_path}/photos?size=8&classes=none")()
    assert data.target_kind == "none" and len(data.train.y) + len(data.test.y) == 11
    classes(tmp_path / "office", "a", "b", rows=3)
    keys = {folder.load(f"{tmp_path}/office{query}").key for query in ("", "?classes=none")}
    assert len(keys) == 2 and folder.load(f"{tmp_path}/office?classes=none")().target_kind == "none"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?sise=8", "no option 'sise'; expected size, classes; nearest: size"),
        ("?size=0", "size is '0'; expected a whole number from 1 to 4096"),
        ("?size=8&size=9", "'size' has no value or several"),
        ("?classes=", "'classes' has no value or several"),
        ("?classes=two", "classes is 'two'; expected 'none'"),
    ],
)
def test_options_that_are_none_are_named(query, message, office):
    with pytest.raises(DataError, match=re.escape(message)):
        folder.load(f"{office}{query}")


def test_a_path_may_hold_what_a_name_cannot(tmp_path):
    classes(tmp_path / "a+b,->@P?x=%41", "a", "b")
    name = f"folder:{tmp_path}/a%2Bb%2C%2D%3E%40P%3Fx%3D%2541?size=8"
    assert parse(f"mnist->{name}").targets == (name,)
    assert folder.load(name.removeprefix("folder:"))().classes == ("a", "b")
    classes(tmp_path / "c%2Bd", "c", "d")
    assert folder.load(f"{tmp_path}/c%2Bd?size=8")().classes == ("c", "d")


def classes(root: Path, *names: str, rows: int = 2, first: int = 0) -> None:
    for number, name in enumerate(names):
        for row in range(rows):
            image(root / name / f"{row}.png", first + 40 * number + row)


PAIRS = ["train valid", "train dev", "train eval", "training testing", "training_set test_set", "seg_train seg_test"]


@pytest.mark.parametrize(
    "names", [*PAIRS, "Train Test", "TRAIN Validation", "trainset test-images", "train2017 val2017"]
)
def test_folders_named_as_splits_are_splits(names, tmp_path):
    train, test = names.split()
    classes(tmp_path / train, "a", "b", rows=3)
    classes(tmp_path / test, "a", "b", first=100)
    data = load(tmp_path)
    assert data.classes == ("a", "b") and len(data.train.y) == 6 and len(data.test.y) == 4


def test_of_three_splits_validation_joins_train(tmp_path):
    classes(tmp_path / "train", "a", "b", rows=3)
    classes(tmp_path / "valid", "a", "b", first=100)
    classes(tmp_path / "test", "a", "b", first=200)
    classes(tmp_path, "labels", rows=1)
    data = load(tmp_path)
    assert np.bincount(data.train.y).tolist() == [5, 5] and np.bincount(data.test.y).tolist() == [2, 2]


def test_a_folder_between_a_split_and_its_classes_is_passed(tmp_path):
    for number, name in enumerate(("seg_train", "seg_test")):
        classes(tmp_path / name / name, "a", "b", first=100 * number)
    assert load(tmp_path).classes == ("a", "b")


@pytest.mark.parametrize("names", ["train", "valid test", "train Training", "train test testing", "a train"])
def test_splits_that_cannot_be_used_are_refused_by_name(names, tmp_path):
    for number, name in enumerate(names.split()):
        classes(tmp_path / name, "a", "b", first=80 * number)
    expected = "has folders named as splits: .*; expected one for train and one for test.*'folder:.*', or rename"
    with pytest.raises(DataError, match=expected):
        load(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    classes(tmp_path, "car", "train")
    assert load(tmp_path).classes == ("car", "train")


def test_splits_are_no_cached_set_of_the_same_files_as_classes(tmp_path, monkeypatch):
    for number, name in enumerate(("train", "valid")):
        classes(tmp_path / name, "a", "b", first=100 * number)
    key = folder.load(str(tmp_path)).key
    files = {name: sorted((tmp_path / name).rglob("*.png")) for name in ("train", "valid")}
    monkeypatch.setattr(folder, "splits", lambda root, bare: [Split((root,), files, [])])
    assert folder.load(str(tmp_path)).key != key


def test_domains_are_no_classes(tmp_path):
    for number, name in enumerate(("amazon", "dslr/images", "webcam")):
        classes(tmp_path / name, "bike", "mug", first=80 * number)
    expected = "sub-folders amazon, dslr, webcam hold .* as bike and mug; .*"
    with pytest.raises(DataError, match=f"{expected}'folder:{tmp_path}/amazon->folder:{tmp_path}/dslr/images'"):
        load(tmp_path)


def test_a_single_folder_between_is_offered(tmp_path):
    classes(tmp_path / "images", "bike", "mug", "pen")
    with pytest.raises(DataError, match=f"has 3 sub-folders: name that path, 'folder:{tmp_path}/images'"):
        load(tmp_path)


def test_each_class_may_keep_its_images_in_a_folder(tmp_path):
    for number, name in enumerate("ab"):
        classes(tmp_path / name, "images", first=80 * number)
    assert load(tmp_path).classes == ("a", "b")


def test_what_lies_beside_images_is_skipped_and_counted(office, caplog):
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "labels.csv", "a.txt", "a.json", "README.md", "LICENSE"):
        (office / "mug" / name).write_bytes(b"x")
    for name in ("__MACOSX", "@eaDir", "lost+found", ".ipynb_checkpoints"):
        image(office / name / "1.png")
        image(office / "mug" / name / "1.png")
    data = load(office)
    assert data.classes == ("back pack", "bike", "mug") and len(data.train.y) + len(data.test.y) == 30
    assert caplog.text.count("skipped, as no images (16): ") == 1


def test_all_images_that_cannot_be_decoded_are_listed_at_once(office):
    for row in range(6):
        for name in ("bike", "mug"):
            (office / name / f"frame_{row:04d}.png").write_bytes(b"%d" % row)
    with pytest.raises(DataError, match=r"12 of 30 images cannot be read; .* and 2 more\.") as caught:
        load(office)
    assert str(caught.value).count("cannot be decoded") == 10


def test_an_image_is_known_by_its_bytes(office):
    for name, kind in (("a.png", "JPEG"), ("b.jfif", "JPEG"), ("c.avif", "AVIF" if features.check("avif") else "PNG")):
        Image.new("RGB", (9, 9), "teal").resize((9 + ord(name[0]) % 5, 9)).save(office / "mug" / name, kind)
    data = load(office)
    assert len(data.train.y) + len(data.test.y) == 33


def test_an_eps_under_another_name_is_not_drawn(office, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("a program was called"))
    Image.new("RGB", (9, 9)).save(office / "mug" / "x.png", "EPS")
    with pytest.raises(DataError, match=r"1 of 31 images cannot be read.*x\.png cannot be decoded: it is no image"):
        load(office)


def test_what_is_no_regular_file_is_named_and_not_opened(office):
    os.mkfifo(office / "mug" / "pipe.png")
    (office / "mug" / "gone.png").symlink_to(office / "absent.png")
    (office / "pen").symlink_to(office / "absent")
    (office / "mug" / "loop").symlink_to(office / "mug")
    odd = (r"pen \(a broken link\)", r"gone\.png \(a broken link\)", r"pipe\.png \(a FIFO\)", r"loop \(a link to")
    expected = r"has entries that are no images \(4\): .*" + ".*".join(odd)
    with pytest.raises(DataError, match=expected):
        load(office)


@pytest.mark.skipif(sys.platform != "linux", reason="names there are text")
@pytest.mark.parametrize("name", [b"pen\xff", b"mug/\xff.png"])
def test_names_that_are_no_text_are_refused_by_name(office, name):
    path = os.path.join(os.fsencode(office), name)
    if b"/" in name:
        shutil.copy(office / "mug/frame_0000.png", path)
    else:
        os.mkdir(path)
    with pytest.raises(DataError, match=r"entries that are no images \(1\): .*\\xff.*\(its name is not UTF-8\)"):
        load(office)


def test_the_outline_counts_images_and_opens_none(office, tmp_path):
    (office / "mug/frame_0000.png").write_bytes(b"no image")
    (office / "pen").mkdir()
    assert outline(office) == "30 images of 4 classes: back pack 10, bike 10, mug 10, pen 0"
    assert outline(f"{office}?classes=none") == "30 images"
    for split in ("train", "test"):
        shutil.copytree(office, tmp_path / "split" / split)
    shutil.rmtree(tmp_path / "split/test/bike")
    train, test = outline(tmp_path / "split").split("; ")
    assert train.startswith("'train': 30 images of 4")
    assert test == "'test': 20 images of 3 classes: back pack 10, mug 10, pen 0"


def test_a_split_that_is_a_broken_link_is_named(tmp_path):
    classes(tmp_path / "train", "a", "b")
    classes(tmp_path / "test", "a", "b", first=100)
    (tmp_path / "valid").symlink_to(tmp_path / "absent")
    with pytest.raises(DataError, match=r"has entries that are no images \(1\): .*valid \(a broken link\)"):
        load(tmp_path)


def test_names_that_differ_by_case_are_two_classes_with_a_word(tmp_path, caplog):
    for number, name in enumerate(("Cat", "cat", "dog")):
        for row in range(3):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGB", (9, 9), (number, row, 0)).save(tmp_path / name / f"{row}.png")
    assert folder.load(f"{tmp_path}?size=8")().classes == ("Cat", "cat", "dog")
    assert "names that differ by case alone are different classes (1): Cat and cat." in caplog.text


def test_linked_folders_are_followed(office, tmp_path):
    classes(tmp_path / "else", "pen", "more", first=210)
    (office / "pen").symlink_to(tmp_path / "else" / "pen")
    (office / "mug" / "more").symlink_to(tmp_path / "else" / "more")
    data = load(office)
    assert data.classes[-1] == "pen" and len(data.train.y) + len(data.test.y) == 34


def test_a_folder_without_an_image_names_its_classes(office):
    for name in ("cup", "pen"):
        (office / name).mkdir()
    for file in office.rglob("*.png"):
        file.unlink()
    with pytest.raises(DataError, match="none of its classes back pack, bike, cup, mug, pen has an image"):
        load(office)


def test_one_image_in_two_classes_is_kept_and_named(office, caplog):
    for row in range(10):
        for name in ("bike", "mug"):
            (office / name / f"copy_{row}.png").write_bytes(
                (office / "back pack" / f"frame_{row:04d}.png").read_bytes()
            )
    data = load(office)
    assert len(data.train.y) + len(data.test.y) == 50 and "left out of train" not in caplog.text
    first = r".*back pack/frame_0000\.png and .*bike/copy_0\.png; none is left out for that"
    assert re.search(rf"images that are in another class too \(20\), as {first}", caplog.text)


def test_a_class_whose_images_are_all_one_file_is_named(office, caplog):
    content = (office / "mug/frame_0000.png").read_bytes()
    for path in (office / "mug").iterdir():
        path.write_bytes(content)
    data = load(office)
    assert np.bincount(data.train.y).tolist() == [8, 8] and np.bincount(data.test.y).tolist() == [2, 2, 10]
    assert "classes with no train image, as of one file (1): mug." in caplog.text


@pytest.mark.data
def test_a_real_folder(raw):
    data = load(raw / "office_caltech10" / "webcam", size=32)
    assert len(data.classes) == 10 and len(data.train.y) + len(data.test.y) == 295
    assert "backpack" in data.classes and abs(len(data.test.y) / 295 - 0.2) < 0.03
