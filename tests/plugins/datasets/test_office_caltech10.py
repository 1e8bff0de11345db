"""Office-Caltech-10: taken from folders by its classes and counts, and the protocol that takes it whole."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx import DataAbsent, DataError, Protocol
from tlx.data import load_task
from tlx.plugins import Registry
from tlx.store import Prepared
from tlx_datasets import office_caltech10
from tlx_datasets.protocols import P_OC10

FOLDERS = ("amazon", "caltech10", "dslr", "webcam")
REGISTRY = Registry.load(environ={"TLX_PLUGINS": "datasets"})


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path_factory) -> None:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setattr(office_caltech10, "COUNTS", dict.fromkeys(office_caltech10.COUNTS, 20))


@pytest.fixture
def raw(tmp_path) -> Path:
    """Two images of each class in each domain, no two alike, in a folder of the given one."""
    for number, domain in enumerate(FOLDERS):
        for label, name in enumerate(office_caltech10.CLASSES):
            folder = tmp_path / "given" / "office" / domain / name
            folder.mkdir(parents=True)
            for row in range(2):
                Image.new("RGB", (8, 9), (60 * number + row, 20 * label, 7)).save(folder / f"frame_{row:04d}.png")
    return tmp_path / "given"


def domain(name: str) -> Prepared:
    return office_caltech10.load(name)


@pytest.mark.parametrize("name", ["amazon", "caltech"])
def test_it_is_taken_from_a_folder(raw, name):
    data = domain(name).prepare(raw)
    assert data.name == f"office_caltech10:{name}" and data.classes == office_caltech10.CLASSES
    assert data.train.x.shape == (10, 224, 224, 3) and data.test.x.shape == (10, 224, 224, 3)
    number = FOLDERS.index(name if name in FOLDERS else "caltech10")
    assert np.array_equal(data.train.x[:, 0, 0, 1] // 20, data.train.y) and data.train.x[0, 0, 0, 0] // 60 == number
    again = domain(name)()
    assert np.array_equal(again.train.x, data.train.x) and again.train.origin.tolist() == data.train.origin.tolist()


def test_it_is_absent_until_then(tmp_path):
    with pytest.raises(DataAbsent, match="tlx data prepare 'office_caltech10:dslr' --from DIR"):
        domain("dslr")()
    with pytest.raises(DataAbsent, match="--from DIR"):
        domain("dslr").prepare(tmp_path)


def test_another_number_of_photographs(raw):
    (raw / "office/dslr/mug/frame_0000.png").unlink()
    (raw / "office/dslr/bike/frame_0001.png").unlink()
    with pytest.raises(DataError, match="one image|expected 20"):
        domain("dslr").prepare(raw)


def test_another_class(raw):
    (raw / "office/dslr/mug").rename(raw / "office/dslr/cup")
    with pytest.raises(DataAbsent):  # it is not recognised as the set
        domain("dslr").prepare(raw)


def test_what_systems_leave_is_not_copied(raw):
    (raw / "office/dslr/__MACOSX").mkdir()
    (raw / "office/dslr/.DS_Store").write_bytes(b"x")
    assert domain("dslr").prepare(raw).classes == office_caltech10.CLASSES


def test_a_fifo_is_named_and_not_opened(raw):
    os.mkfifo(raw / "office/dslr/mug/pipe.png")
    with pytest.raises(DataError, match=r"dslr' cannot be copied: .*pipe\.png.*; expected images"):
        domain("dslr").prepare(raw)


def test_an_unknown_domain():
    with pytest.raises(DataError, match="'amazn'; nearest: amazon"):
        domain("amazn")


def test_the_protocol_takes_all_images(raw):
    for name in ("amazon", "dslr"):
        domain(name).prepare(raw)
    data = load_task(
        REGISTRY.get("tasks", "office_caltech10:amazon->office_caltech10:dslr"),
        lambda name: domain(name.partition(":")[2])(),
    )
    assert data.task.protocol is P_OC10 and len(data.test.y) == len(data.target.x) == 20
    assert np.array_equal(data.target.x, data.test.x)
    assert len(data.source.y) + len(data.source_val.y) == 20 and 0 < len(data.source_val.y) < 10


@pytest.mark.parametrize("changes", [{"scored": "test"}, {"validation": None}])
def test_a_whole_pool_needs_rows_that_are_scored_and_held_out(changes):
    with pytest.raises(DataError, match="pooled 1.0; expected a share between 0 and 1, 1 with scored 'train'"):
        Protocol("x", "", 8, 1, **({"pooled": 1.0, "scored": "train", "validation": 0.1} | changes))
