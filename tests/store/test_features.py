"""Cached features: kept under their name, made anew when what decides them changes, and no image to any protocol."""

import numpy as np
import pytest

from tlx import Arrays, DataAbsent, DataError, Dataset, Protocol, Task
from tlx.data import Vector, load_task
from tlx.store import read_features
from tlx.store.features import some_rows, write_features

ANY = Protocol("any", "", size=28, channels=3, mean=(0.1, 0.2, 0.3), validation=0.5, pooled=0.5)


def images(name: str, rows: int = 24) -> Dataset:
    def part(split: str) -> Arrays:
        x = np.random.default_rng(0).integers(0, 256, (rows, 4, 4, 1), np.uint8)
        return Arrays(x, np.arange(rows, dtype=np.int32) % 2, np.array([f"{name}/{split}/{i}" for i in range(rows)]))

    return Dataset(name, part("train"), part("test"), ("a", "b"))


class Mean:
    """The mean of every image, five times as wide; counts its calls."""

    def __init__(self, factor: float = 1.0):
        self.calls, self.factor = 0, factor

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.calls += 1
        return np.repeat(x.mean((1, 2)) * self.factor, 5, axis=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path))


def test_they_are_computed_once_and_read_by_name():
    lab, extract = images("lab"), Mean()
    written = write_features("net.1", lab, {"backbone": "net"}, extract)
    assert write_features("net.1", lab, {"backbone": "net"}, extract).name == "features:net.1/lab"
    assert extract.calls == 2  # train and test, once
    found = read_features("net.1/lab")
    assert found.input == Vector(standardise=False)
    assert found.train.x.dtype == np.float32 and found.train.x.shape == (24, 5)
    assert np.allclose(found.train.x[:, 0], lab.train.x.mean((1, 2, 3)))
    for part in ("y", "origin"):
        assert np.array_equal(getattr(found.test, part), getattr(lab.test, part))
    assert np.array_equal(written.test.x, found.test.x) and not found.train.x.flags.writeable


@pytest.mark.parametrize("change", ["facts", "images"])
def test_others_under_the_name_are_replaced(change):
    write_features("net", images("lab"), {"weights": "1"}, Mean())
    facts, dataset = ({"weights": "2"}, images("lab")) if change == "facts" else ({"weights": "1"}, images("lab", 12))
    write_features("net", dataset, facts, Mean(2.0))
    assert np.allclose(read_features("net/lab").train.x[:, 0], 2 * dataset.train.x.mean((1, 2, 3)))


def test_names_that_begin_alike_are_kept_apart():
    write_features("net", images("lab"), {}, Mean(1.0))
    write_features("net", images("lab-left"), {}, Mean(2.0))
    assert read_features("net/lab").name == "features:net/lab"
    assert read_features("net/lab-left").name == "features:net/lab-left"


def test_what_is_absent_or_misnamed():
    with pytest.raises(DataAbsent, match="tlx features 'lab' --name net --backbone BACKBONE"):
        read_features("net/lab")
    with pytest.raises(DataError, match="expected 'features:EDITION/DATASET'"):
        read_features("net")
    with pytest.raises(DataError, match="The edition 'a b'"):
        write_features("a b", images("lab"), {}, Mean())


def test_features_that_are_not_finite():
    with pytest.raises(DataError, match="24 values of x are not finite"):
        write_features("net", images("lab"), {}, lambda x: np.full((len(x), 1), np.nan))
    with pytest.raises(DataAbsent):
        read_features("net/lab")


def task(*names: str) -> Task:
    return Task(names[:-1], names[-1:], ANY)


def test_they_pass_through_a_protocol_unchanged():
    made = {name: write_features("net", images(name), {}, Mean()) for name in ("left", "right")}
    data = load_task(task("features:net/left", "features:net/right"), lambda name: read_features(name[9:]))
    assert data.source.x.dtype == data.test.x.dtype == np.float32 and data.test.x.shape[1:] == (5,)
    every = np.concatenate([made["right"].train.x, made["right"].test.x])
    assert {row.tobytes() for row in (*data.target.x, *data.test.x)} == {row.tobytes() for row in every}


def test_features_of_two_backbones_make_no_task():
    write_features("net", images("left"), {}, Mean())
    write_features("wide", images("right"), {}, lambda x: np.ones((len(x), 7)))
    with pytest.raises(
        DataError, match=r"'features:net/left' \(5,\), 'features:wide/right' \(7,\); expected one shape"
    ):
        load_task(task("features:net/left", "features:wide/right"), lambda name: read_features(name[9:]))
    with pytest.raises(
        DataError, match=r"'lab' has input Image\(\), 'features:net/left' Vector\(.*; expected one kind"
    ):
        given = {"lab": images("lab"), "features:net/left": read_features("net/left")}
        load_task(task("lab", "features:net/left"), given.__getitem__)


def test_some_rows_are_the_same_in_any_order():
    arrays = images("lab").train
    few, turned = some_rows(arrays, 5), some_rows(Arrays(*(part[::-1] for part in arrays)), 5)
    assert sorted(few.origin.tolist()) == sorted(turned.origin.tolist()) and len(few.y) == 5
    assert some_rows(arrays, None) is arrays and some_rows(arrays, 24) is arrays
