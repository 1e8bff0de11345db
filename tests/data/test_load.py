"""From a task to its arrays: no shared image, labels only where they are shown, one size, a stable hash."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.data import Arrays, Dataset, Draw, LabelSpace, Protocol, Task, load_task
from tlx.errors import DataError

P = Protocol("P", "", 4, None)


def split(name: str, rows: Sequence[int], channels: int = 1, size: int = 4, classes: int = 3) -> Arrays:
    """Rows whose pixels all hold the row's number, so that each image tells where it comes from."""
    number = np.array(rows, np.uint8)
    x = np.broadcast_to(number[:, None, None, None], (len(rows), size, size, channels)).copy()
    return Arrays(x, (number % classes).astype(np.int32), np.array([f"{name}/{row}" for row in rows]))


def toy(
    name="s",
    origin=None,
    train: Sequence[int] = range(30),
    test: Sequence[int] = range(100, 112),
    classes=("a", "b", "c"),
    **shape,
) -> Dataset:
    origin = origin or name
    return Dataset(name, split(origin, train, **shape), split(origin, test, **shape), classes)


def loaded(*datasets: Dataset, protocol: Protocol = P, targets: int = 1):
    """The task whose last datasets are its targets."""
    by_name = {dataset.name: dataset for dataset in datasets}
    return load_task(Task(tuple(by_name)[:-targets], tuple(by_name)[-targets:], protocol), by_name.__getitem__)


def numbers(x: np.ndarray) -> list[int]:
    return x[:, 0, 0, 0].tolist()


def test_disjoint_domains_are_taken_whole():
    data = loaded(toy("s"), toy("t", train=range(50, 60), test=range(60, 66)))
    assert numbers(data.source.x) == list(range(30)) and numbers(data.source_val.x) == list(range(100, 112))
    assert numbers(data.target.x) == list(range(50, 60)) and numbers(data.test.x) == list(range(60, 66))
    assert data.test.y.tolist() == [row % 3 for row in range(60, 66)]
    assert data.source.y.tolist() == [row % 3 for row in range(30)]
    assert set(data.source.domain) == {0} and set(data.labelled.domain) == {1}
    assert data.space.known == ("a", "b", "c") and data.task.name == "s->t"


def test_no_image_of_the_target_is_in_the_source():
    target = toy("t", origin="s", train=range(10), test=range(100, 105))
    data = loaded(toy("s"), target)
    assert numbers(data.source.x) == list(range(10, 30)) and numbers(data.source_val.x) == list(range(105, 112))
    crossed = loaded(toy("s"), toy("t", origin="s", train=range(105, 112), test=range(20, 30)))
    assert numbers(crossed.source.x) == list(range(20)) and numbers(crossed.source_val.x) == list(range(100, 105))


@given(st.sets(st.integers(0, 40), min_size=2, max_size=30), st.integers(1, 29))
def test_source_and_target_share_no_origin_whatever_the_overlap(rows, cut):
    rows = sorted(rows)
    cut = min(cut, len(rows) - 1)
    target = toy("t", origin="s", train=rows[:cut], test=rows[cut:])
    data = loaded(toy("s", train=range(60), test=range(100, 112)), target)
    assert not set(numbers(data.source.x)) & set(rows)
    assert set(numbers(data.source.x)) | set(rows) == set(range(60))


def test_a_protocol_may_share_train_originals_with_the_target_but_none_of_its_test(caplog):
    caplog.set_level("INFO", "tlx")
    target = toy("t", origin="s", train=range(20), test=[*range(20, 25), *range(100, 105)])
    data = loaded(toy("s"), target, protocol=Protocol("P", "", 4, None, shared_origins=True))
    assert "source 's', train: 5 of 30 rows are left out, as their images are in the target" in caplog.text
    assert numbers(data.source.x) == [*range(20), *range(25, 30)]
    assert numbers(data.source_val.x) == list(range(100, 112))


def test_sources_are_numbered_and_validated_on_images_that_none_trains_on():
    first, second = toy("s"), toy("u", origin="s", train=range(100, 106), test=range(200, 206), channels=3)
    data = loaded(first, second, toy("t", train=range(50, 60), test=range(60, 66)))
    assert numbers(data.source.x) == [*range(30), *range(100, 106)]
    assert data.source.domain.tolist() == [0] * 30 + [1] * 6 and set(data.labelled.domain) == {2}
    assert numbers(data.source_val.x) == [*range(106, 112), *range(200, 206)]
    assert data.source_val.domain.tolist() == [0] * 6 + [1] * 6
    assert data.source.x.shape[1:] == data.target.x.shape[1:] == data.test.x.shape[1:] == (4, 4, 3)


def test_a_class_of_a_source_without_a_train_row_is_named(caplog):
    first, second = toy("s", train=range(0, 30, 3)), toy("u")
    loaded(first, second, toy("t", train=range(50, 60), test=range(60, 66)))
    assert "source 's' has test rows and no train row of b, c." in caplog.text and "source 'u'" not in caplog.text


def test_labels_follow_the_targets_order_of_classes():
    data = loaded(toy("s"), toy("t", train=range(50, 60), test=range(60, 66), classes=("c", "a", "b")))
    assert data.source.y[:3].tolist() == [1, 2, 0]
    assert [data.space.known[label] for label in data.source_val.y[:3]] == [
        ("a", "b", "c")[row % 3] for row in (100, 101, 102)
    ]


@given(st.integers(1, 10))
def test_shots_labels_exactly_k_target_train_rows_of_each_class(k):
    target = toy("t", train=range(50, 80), test=range(80, 90))
    data = loaded(toy("s"), target, protocol=Protocol("P", "", 4, None, shots=k))
    assert np.bincount(data.labelled.y).tolist() == [k, k, k]
    assert [row % 3 for row in numbers(data.labelled.x)] == data.labelled.y.tolist()
    assert set(numbers(data.labelled.x)) <= set(numbers(data.target.x)) == set(range(50, 80))


def test_the_first_rows_of_each_class_may_be_the_labelled_ones():
    """A paper's code that takes the first n of each class as its file has them."""
    target = toy("t", train=range(50, 80), test=range(80, 90))
    data = loaded(toy("s"), target, protocol=Protocol("P", "", 4, None, shots=2, first_shots=True))
    assert numbers(data.labelled.x) == list(range(50, 56))


def test_without_shots_every_target_train_row_is_labelled():
    data = loaded(toy("s"), toy("t"))
    assert np.array_equal(data.labelled.x, data.target.x) and data.labelled.y.tolist() == [row % 3 for row in range(30)]


def test_a_targets_train_labels_reach_nothing_but_labelled():
    target = toy("t", train=range(50, 80), test=range(80, 90))
    relabelled = target.train._replace(y=(target.train.y + 1) % np.int32(3))
    one, other = loaded(toy("s"), target), loaded(toy("s"), Dataset("t", relabelled, target.test, target.classes))
    for field in ("source", "source_val", "target", "test", "order"):
        for before, after in zip(flat(getattr(one, field)), flat(getattr(other, field)), strict=True):
            assert np.array_equal(before, after)
    assert not np.array_equal(one.labelled.y, other.labelled.y)


def flat(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize(
    ("datasets", "protocol", "message"),
    [
        (
            (toy("s"), toy("t", classes=("a", "b", "d"))),
            P,
            "Task 's->t': 's' has the classes a, b, c; 't' has a, b, d; expected the same or some of these: "
            "only 's' has c; only 't' has d.",
        ),
        (
            (toy("s"), toy("t", origin="s", train=range(40))),
            P,
            "Task 's->t', source 's', train: none of 30 rows is left",
        ),
        (
            (toy("s"), toy("t", origin="s", train=range(100, 112), test=range(5))),
            P,
            "Task 's->t', source 's', validation: none of 12 rows is left; all have their origin in the target",
        ),
        (
            (toy("s"), toy("t", train=range(50, 58))),
            Protocol("P", "", 4, None, shots=3),
            "Task 's->t/3': class 'b' of 't' has 2 train rows; expected 3 or more (shots).",
        ),
        (
            (toy("s"), toy("t")),
            Protocol("P", "", 4, None, labels=LabelSpace(("a", "b"), ("b", "c"), novel=True)),
            "Task 's->t': new classes without a label, and rows of b among them; expected a target of new classes "
            "alone, or labelled rows of each class (shots: 's->t/5').",
        ),
    ],
)
def test_it_refuses(datasets, protocol, message):
    with pytest.raises(DataError, match=re.escape(message)):
        loaded(*datasets, protocol=protocol)


def test_the_hash_is_of_arrays_classes_and_protocol():
    def digest(protocol=P, source=None, **changes):
        return loaded(source or toy("s"), toy("t", **changes), protocol=protocol).hash

    assert digest() == HASH
    assert digest(Protocol("P", "worded otherwise", 4, None)) == HASH
    others = [
        digest(Protocol("Q", "", 4, None)),
        digest(Protocol("P", "", 4, None, std=0.4)),
        digest(Protocol("P", "", 5, None)),
        digest(Protocol("P", "", 4, None, shots=2)),
        digest(source=toy("s", train=range(1, 31))),
        digest(source=toy("s", test=range(101, 113))),
        digest(train=range(1, 31)),
        digest(test=range(101, 113)),
        digest(classes=("b", "a", "c")),
        digest(Protocol("P", "", 4, None, stream="stored")),
        digest(Protocol("P", "", 4, None, labels=LabelSpace(("a", "b"), ("a", "b", "c"), unknown=True))),
        digest(Protocol("P", "", 4, None, labels=LabelSpace(("a", "b"), ("c",), novel=True))),
        digest(Protocol("P", "", 4, None, labels=LabelSpace(("a", "b", "c"), ("a", "c")))),
        digest(Protocol("P", "", 4, None, draws=(Draw("s", "prior", prior=(1 / 3, 1 / 3, 1 / 3)),))),
        loaded(toy("s"), toy("t"), toy("u"), targets=2).hash,
        loaded(toy("s"), toy("u"), toy("t"), targets=2).hash,
        loaded(toy("s"), toy("u"), toy("t")).hash,
    ]
    assert len({HASH, *others}) == 18


def test_a_share_of_the_sources_train_rows_is_held_out_to_select_by():
    held = Protocol("P", "", 4, None, validation=0.3)
    data = loaded(toy("s"), toy("t", train=range(50, 60), test=range(60, 66)), protocol=held)
    train, val = numbers(data.source.x), numbers(data.source_val.x)
    assert sorted(train + val) == list(range(30)) and 3 <= len(val) <= 15
    assert [row % 3 for row in val] == data.source_val.y.tolist()
    # where the target's test images are the source's, as in corrupted sets, the share is what is left to select by
    target = toy("t", origin="s", train=range(200, 210), test=range(100, 112))
    assert numbers(loaded(toy("s"), target, protocol=held).source_val.x) == val
    with pytest.raises(DataError, match="validation: none of 12 rows is left"):
        loaded(toy("s"), target)


def test_transductive_papers_score_the_targets_train_rows():
    target = toy("t", train=range(50, 60), test=range(60, 66))
    data = loaded(toy("s"), target, protocol=Protocol("P", "", 4, None, scored="train"))
    assert numbers(data.test.x) == list(range(50, 60)) and data.test.x is data.target.x
    assert data.test.y.tolist() == [row % 3 for row in range(50, 60)]


def test_without_a_size_images_take_that_of_the_largest_domain():
    data = loaded(toy("s", size=5), toy("t", size=7), protocol=Protocol("P", "", None, None))
    assert data.source.x.shape[1:] == data.test.x.shape[1:] == (7, 7, 1)


def test_a_scale_for_each_channel_is_in_the_hash():
    scales = [((0.5, 0.5, 0.5), 0.5), (0.5, (0.5, 0.4, 0.5)), (0.5, 0.5)]
    made = [loaded(toy("s"), toy("t"), protocol=Protocol("P", "", 4, 3, *scale)).hash for scale in scales]
    assert len(set(made)) == 3


def test_memory_mapped_arrays_that_fit_are_neither_copied_nor_written_to(tmp_path):
    def mapped(dataset: Dataset) -> Dataset:
        splits = []
        for name, split in (("train", dataset.train), ("test", dataset.test)):
            for field, array in zip(split._fields, split, strict=True):
                np.save(tmp_path / f"{dataset.name}.{name}.{field}.npy", array)
            files = [tmp_path / f"{dataset.name}.{name}.{field}.npy" for field in split._fields]
            splits.append(Arrays(*(np.load(file, mmap_mode="r") for file in files)))
        return Dataset(dataset.name, splits[0], splits[1], dataset.classes)

    source, target = toy("s"), toy("t")
    plain, data = loaded(source, target), loaded(source := mapped(source), target := mapped(target))
    assert data.hash == plain.hash
    shared = [(data.source.x, source.train.x), (data.target.x, target.train.x), (data.test.x, target.test.x)]
    assert all(np.shares_memory(array, file) for array, file in shared) and data.labelled.x is data.target.x
    coloured = loaded(source, target, protocol=Protocol("P", "", 4, 3))
    assert coloured.source.x.shape[3] == 3 and np.shares_memory(coloured.source.x, source.train.x)


HASH = "d573e13a617e6f9575dbe2097e4680e3b670d3bb6a548319a7df7e982a5c14ae"


@pytest.mark.parametrize(
    ("target", "shots", "y", "counts"),
    [(("c", "b"), None, {2, 3}, {}), (("a", "c", "b"), 2, {0, 2, 3}, {0: 2, 2: 2, 3: 2}), (("c",), 1, {2}, {2: 1})],
)
def test_new_classes_are_told_apart_and_labelled_by_shots_alone(target, shots, y, counts):
    """The trap: labels of classes that are to be discovered among the labelled rows."""
    source = toy("s", classes=("a", "d", "e"))
    left_out = tuple({"b", "c", "e"} - set(target))
    labels = LabelSpace(("a", "d"), target, novel=True, left_out=left_out)
    data = loaded(source, toy("t"), protocol=Protocol("P", "", 4, None, shots=shots, labels=labels))
    assert set(data.test.y.tolist()) == y
    found = dict(zip(*np.unique(data.labelled.y, return_counts=True), strict=True))
    assert {int(label): int(count) for label, count in found.items()} == counts
