"""Tasks of several targets, of label spaces, of streams, and of other kinds of input and target."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.data import (
    Arrays,
    Dataset,
    Draw,
    Image,
    LabelSpace,
    Protocol,
    Sequence,
    Task,
    Tokens,
    Tweaked,
    Vector,
    load_task,
)
from tlx.data.choose import keys
from tlx.errors import DataError

P = Protocol("P", "", 4, None)
CLASSES = ("a", "b", "c", "d")


def split(name: str, first: int, rows: int, x=None, y=None) -> Arrays:
    """Images whose pixels hold the row's number, labelled number % 4, unless given."""
    number = np.arange(first, first + rows)
    images = np.broadcast_to(number.astype(np.uint8)[:, None, None, None], (rows, 4, 4, 1)).copy()
    y = (number % 4).astype(np.int32) if y is None else y
    return Arrays(images if x is None else x, y, np.array([f"{name}/{row}" for row in number]))


def toy(name: str, train: int = 0, test: int = 100, classes=CLASSES, origin: str = "") -> Dataset:
    return Dataset(name, split(origin or name, train, 32), split(origin or name, test, 16), classes)


def kind_of(name: str, kind, x, x_test=None, y=None) -> Dataset:
    """A dataset of another kind of input, whose test rows are `x_test`, or x as well."""
    x_test = x if x_test is None else x_test
    target_kind = "classes" if y is None else "real"
    train, test = split(name, 0, 32, x, y), split(name, 100, 32, x_test, y)
    return Dataset(name, train, test, CLASSES if y is None else (), kind, target_kind)


def loaded(*datasets: Dataset, protocol: Protocol = P, targets: int = 1):
    by_name = {dataset.name: dataset for dataset in datasets}
    return load_task(Task(tuple(by_name)[:-targets], tuple(by_name)[-targets:], protocol), by_name.__getitem__)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(3, 2, shape).astype(np.float32)


def replaced(**changes) -> Protocol:
    return Protocol("P", "", 4, None, **changes)


# several targets


def test_targets_follow_each_other_in_order():
    data = loaded(toy("s"), toy("t", 40), toy("u", 60), targets=2)
    assert data.target.x[:, 0, 0, 0].tolist() == [*range(40, 72), *range(60, 92)]
    assert data.target.domain.tolist() == data.labelled.domain.tolist() == [1] * 32 + [2] * 32
    assert data.test.domain.tolist() == [1] * 16 + [2] * 16
    assert data.test.y.tolist() == (data.test.x[:, 0, 0, 0] % 4).tolist()
    assert sorted(data.order[:16].tolist()) == list(range(16))
    assert sorted(data.order[16:].tolist()) == list(range(16, 32))


def test_no_source_row_is_in_any_target_and_no_labelled_row_in_another_targets_test():
    source = Dataset("s", split("o", 0, 60), split("o", 100, 40), CLASSES)
    data = loaded(source, toy("t", 0, 116, origin="o"), toy("u", 116, 40, origin="o"), targets=2)
    assert data.source.x[:, 0, 0, 0].tolist() == [*range(32, 40), *range(56, 60)]
    assert set(data.labelled.x[:, 0, 0, 0].tolist()) == {*range(32), *range(132, 148)}
    assert len(data.target.x) == 64


def test_shots_are_per_class_and_target():
    data = loaded(toy("s"), toy("t", 40), toy("u", 60), targets=2, protocol=replaced(shots=3))
    for domain in (1, 2):
        assert np.bincount(data.labelled.y[data.labelled.domain == domain]).tolist() == [3, 3, 3, 3]


def test_a_second_target_with_other_classes_is_refused():
    with pytest.raises(
        DataError,
        match=r"'s' has the classes a, b, c, d; 'u' has a, b, c, e; expected .*: only 's' has d; only 'u' has e\.",
    ):
        loaded(toy("s"), toy("t"), toy("u", classes=("a", "b", "c", "e")), targets=2)


def test_targets_without_a_source():
    data = loaded(toy("t", 40), toy("u", 60), targets=2)
    assert data.task.name == "->t->u" and len(data.source.y) == 0 and set(data.test.domain) == {0, 1}
    assert data.source.x.shape == (0, 4, 4, 1) and data.source.x.dtype == np.uint8


# streams


@given(st.integers(0, 3), st.sampled_from(["shuffled", "stored", "class"]))
def test_streams(seed, stream):
    data = loaded(toy("s"), toy("t", 40), toy("u", 60), targets=2, protocol=replaced(seed=seed, stream=stream))
    for number, name in ((1, "t"), (2, "u")):
        rows = np.flatnonzero(data.test.domain == number)
        order = data.order[rows]
        assert sorted(order) == rows.tolist()
        hashes = keys(np.array([f"{name}/{row}" for row in range(100, 116)]), f"stream {seed}")[order - rows[0]]
        y = data.test.y[order]
        if stream == "stored":
            assert order.tolist() == rows.tolist()
        elif stream == "shuffled":
            assert (np.diff(hashes.astype(object)) > 0).all()
        else:
            assert (np.diff(y) >= 0).all()
            for label in range(4):
                assert (np.diff(hashes[y == label].astype(object)) > 0).all()


def test_the_stream_is_over_the_scored_rows():
    data = loaded(toy("s"), toy("t", 40), protocol=replaced(scored="train"))
    assert sorted(data.order.tolist()) == list(range(32)) and data.test.x is data.target.x


def test_a_correlated_stream_is_in_the_hash_and_a_target_keeps_its_place():
    """The traps: an order over both targets; a concentration that leaves the hash of other streams changed."""
    one, other = (
        loaded(toy("s"), toy("t", 40), toy("u", 60), targets=2, protocol=replaced(stream="dirichlet", concentration=c))
        for c in (0.1, 10.0)
    )
    assert sorted(one.order[:16].tolist()) == list(range(16)) and sorted(one.order[16:].tolist()) == [*range(16, 32)]
    assert one.hash != other.hash and np.array_equal(one.test.y, other.test.y)


# label spaces


def test_a_partial_task():
    data = loaded(toy("s"), toy("t"), protocol=replaced(labels=LabelSpace(("d", "a", "b", "c"), ("a", "d"))))
    assert data.space.kind == "partial" and data.space.outputs == 4 and data.space.source_private == ("b", "c")
    assert len(data.source.y) == 32 and len(data.target.x) == 16 and set(data.test.y) == {0, 1}
    names = np.array(data.space.known)[data.source.y]
    assert names.tolist() == [CLASSES[row % 4] for row in data.source.x[:, 0, 0, 0]]


def test_an_open_task_has_the_unknown_in_the_scored_rows_and_not_in_the_labelled():
    labels = LabelSpace(("b", "a"), CLASSES, unknown=True)
    data = loaded(toy("s"), toy("t", 40), protocol=replaced(labels=labels))
    assert data.space.kind == "open" and data.space.outputs == 3 and data.space.target_private == ("c", "d")
    number = {0: 1, 1: 0, 2: 2, 3: 2}
    assert data.test.y.tolist() == [number[row % 4] for row in data.test.x[:, 0, 0, 0].tolist()]
    assert len(data.target.x) == 32 and set(data.labelled.y) == {0, 1} and len(data.labelled.y) == 16
    assert [number[row % 4] for row in data.labelled.x[:, 0, 0, 0].tolist()] == data.labelled.y.tolist()
    few = loaded(toy("s"), toy("t", 40), protocol=replaced(labels=labels, shots=2))
    assert np.bincount(few.labelled.y).tolist() == [2, 2]


def test_a_universal_task():
    labels = LabelSpace(("a", "b", "c"), ("c", "d"), unknown=True)
    data = loaded(toy("s"), toy("t"), protocol=replaced(labels=labels))
    assert data.space.kind == "universal" and set(data.source.y) == {0, 1, 2} and set(data.test.y) == {2, 3}


def test_sources_may_have_parts_of_the_known_classes():
    first, second = toy("s", classes=("a", "b", "x", "y")), toy("u", classes=("b", "c", "x", "y"))
    labels = LabelSpace(("a", "b", "c"), ("a", "b", "c"), left_out=("d", "x", "y"))
    data = loaded(first, second, toy("t"), protocol=replaced(labels=labels))
    assert data.space.kind == "closed"
    assert [sorted(set(data.source.y[data.source.domain == number])) for number in (0, 1)] == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            LabelSpace(("a", "b", "c", "d", "q"), ("a",)),
            "has the source classes q in its label space; expected classes of 's'",
        ),
        (
            LabelSpace(("a", "b"), ("a", "c", "d", "q"), True),
            "has the target classes q in its label space; expected classes of 't'",
        ),
        (LabelSpace(("a", "b"), ("a", "c"), True), "dataset 's': the class d is in no list of the label space"),
    ],
)
def test_a_class_that_no_domain_has_is_refused(labels, message):
    with pytest.raises(DataError, match=re.escape(message)):
        loaded(toy("s"), toy("t"), protocol=replaced(labels=labels))


def test_an_unknown_class_without_rows_is_refused():
    target = toy("t")
    kept = target.test.y != 3
    without = target.test._replace(x=target.test.x[kept], y=target.test.y[kept], origin=target.test.origin[kept])
    labels = LabelSpace(("a", "b"), ("a", "b", "c", "d"), unknown=True)
    with pytest.raises(DataError, match="the unknown class d has no scored row in the target"):
        loaded(toy("s"), dataclasses.replace(target, test=without), protocol=replaced(labels=labels))


def test_unequal_classes_name_the_label_space():
    with pytest.raises(DataError, match="`Protocol.labels`"):
        loaded(toy("s"), toy("t", classes=("a", "b", "c", "e")))


def test_a_target_of_fewer_classes_makes_a_partial_task():
    data = loaded(toy("s"), split_of("t", "a", "b"))
    assert (data.space.known, data.space.target, data.space.kind) == (CLASSES, ("a", "b"), "partial")
    assert set(data.test.y) == {0, 1} and set(data.source.y) == {0, 1, 2, 3} and data.scorable


def split_of(name: str, *classes: str) -> Dataset:
    """A dataset of so many classes, whose rows are labelled by number."""
    y = [np.arange(rows, dtype=np.int32) % len(classes) for rows in (32, 16)]
    return Dataset(name, split(name, 40, 32, y=y[0]), split(name, 140, 16, y=y[1]), classes)


def test_a_class_of_the_targets_rows_needs_a_source_row():
    few = Dataset("s", split("s", 0, 32, y=np.arange(32, dtype=np.int32) % 3), toy("s").test, CLASSES)
    with pytest.raises(DataError, match="no source has a train row of d, which target 't' has rows of"):
        loaded(few, toy("t", 40))
    assert loaded(few, split_of("t", "a", "b", "c")).space.known == CLASSES


def bare(name: str, first: int = 40) -> Dataset:
    y = [np.full(rows, -1, np.int32) for rows in (32, 16)]
    return Dataset(name, split(name, first, 32, y=y[0]), split(name, first + 100, 16, y=y[1]), target_kind="none")


def test_a_target_without_labels():
    data = loaded(toy("s"), bare("t"))
    assert not data.scorable and len(data.labelled.y) == 0 and set(data.test.y) == {-1} and len(data.target.x) == 32
    assert (data.space.known, data.space.kind, data.target_kind) == (CLASSES, "closed", "classes")
    x, y = floats(32, 5), floats(32, 2)
    train, test = (split("t", first, 32, x, np.full(32, -1, np.int32)) for first in (0, 90))
    target = Dataset("t", train, test, (), Vector(), "none")
    data = loaded(kind_of("s", Vector(), x, y=y), target)
    assert not data.scorable and np.isnan(data.test.y).all() and data.space.outputs == 2 and len(data.labelled.y) == 0


@pytest.mark.parametrize(
    ("datasets", "changes", "message"),
    [
        ((bare("s", 0), toy("t")), {}, "the source 's' has no labels; expected labels in every source"),
        ((bare("t"),), {}, "'t' has no labels, and there is no source"),
        ((toy("s"), bare("t")), {"shots": 2}, "target 't' has no labels; expected 2 labelled train rows of each class"),
        ((toy("s"), bare("t")), {"stream": "class"}, "'t': it has no labels; expected no stream 'class'"),
    ],
)
def test_where_labels_are_needed_their_lack_is_named(datasets, changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        loaded(*datasets, protocol=replaced(**changes))


def test_targets_have_labels_all_or_none():
    with pytest.raises(DataError, match="target 'u' has no labels; expected labels in all targets, or in none"):
        loaded(toy("s"), toy("t", 40), bare("u", 60), targets=2)
    assert not loaded(toy("s"), bare("t"), bare("u", 60), targets=2).scorable


# kinds of input


def test_vectors_are_scaled_by_the_sources_train_rows():
    x, z, other = floats(32, 5), floats(32, 5) * np.float32(1e3), floats(32, 5) + np.float32(50)
    x[:, 2] = 0.1
    data = loaded(kind_of("s", Vector(), x), kind_of("u", Vector(), z), kind_of("t", Vector(), other))
    both = np.concatenate([x, z]).astype(np.float64)
    assert np.allclose(data.mean, both.mean(axis=0)) and np.allclose(data.std, both.std(axis=0))
    assert data.mean.dtype == data.std.dtype == np.float32 and data.mean.shape == (5,)
    assert np.array_equal(data.source.x, np.concatenate([x, z])) and np.array_equal(data.test.x, other)
    alone = loaded(kind_of("s", Vector(), x), kind_of("t", Vector(), other))
    assert alone.std[2] == 1 and alone.source.x is x and alone.target.x is other
    assert alone.input == Vector() and alone.target_kind == "classes"


def test_sequences_are_scaled_by_channel_and_kept_where_asked():
    x = floats(32, 7, 3)
    data = loaded(kind_of("s", Sequence(), x), kind_of("t", Sequence(), x))
    assert np.allclose(data.mean, x.mean((0, 1)), atol=1e-6) and np.allclose(data.std, x.std((0, 1)), atol=1e-6)
    kept = loaded(kind_of("s", Sequence(False), x), kind_of("t", Sequence(False), x))
    assert (kept.mean, kept.std) == (0, 1) and kept.hash != data.hash


def test_without_a_source_the_targets_train_rows_scale():
    x = floats(32, 4)
    assert np.allclose(loaded(kind_of("t", Vector(), x, floats(32, 4) * 9)).mean, x.mean(axis=0), atol=1e-6)


def test_tokens_and_images():
    x = np.arange(64, dtype=np.int32).reshape(32, 2) % 7
    data = loaded(kind_of("s", Tokens(7), x), kind_of("t", Tokens(7), x))
    assert data.source.x is x and (data.mean, data.std) == (0, 1) and data.input == Tokens(7)
    colour = loaded(toy("s"), toy("t"), protocol=Protocol("P", "", 4, 3, (0.1, 0.2, 0.3), 0.4))
    assert np.allclose(colour.mean, [0.1, 0.2, 0.3]) and colour.std == np.float32(0.4) and colour.input == Image()


def test_a_tree_keeps_its_form():
    x = {"b": floats(32, 2), "a": (floats(32, 3), floats(32, 1))}
    held = kind_of("s", Vector(), x)
    data = loaded(held, kind_of("t", Vector(), x), protocol=replaced(draws=(Draw("s", "first", 9),)))
    assert set(data.source.x) == {"a", "b"} and np.array_equal(data.source.x["a"][1], x["a"][1][:9])
    assert data.target.x["b"] is x["b"] and data.mean["a"][0].shape == (3,)
    assert np.allclose(data.mean["b"], x["b"][:9].mean(axis=0), atol=1e-6)
    pictures = {"left": split("p", 0, 32).x, "right": np.zeros((32, 9, 9, 3), np.uint8)}
    shown = loaded(
        kind_of("s", Image(), pictures), kind_of("t", Image(), pictures), protocol=Protocol("P", "", None, None)
    )
    assert shown.source.x["left"].shape == (32, 4, 4, 1) and shown.test.x["right"].shape == (32, 9, 9, 3)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (
            kind_of("s", Vector(), floats(32, 3)),
            kind_of("t", Vector(), floats(32, 4)),
            "Task 's->t': x of a row: 's' (3,), 't' (4,); expected one shape in all",
        ),
        (
            kind_of("s", Vector(), floats(32, 3)),
            toy("t"),
            "'s' has input Vector(standardise=True), 't' Image(); expected one kind",
        ),
        (
            kind_of("s", Vector(), {"a": floats(32, 3)}),
            kind_of("t", Vector(), {"b": floats(32, 3)}),
            "x of a row: 's' a (3,), 't' b (3,); expected one shape in all",
        ),
        (
            kind_of("s", Vector(), floats(32, 3), y=floats(32, 1)),
            kind_of("t", Vector(), floats(32, 3)),
            "'s' has target_kind real, 't' classes; expected one kind",
        ),
        (
            kind_of("s", Vector(), floats(32, 3), y=floats(32, 1)),
            kind_of("t", Vector(), floats(32, 3), y=floats(32, 2)),
            "real numbers of a row: 's' 1, 't' 2; expected equally many in all",
        ),
    ],
)
def test_domains_that_do_not_fit_are_named(source, target, message):
    with pytest.raises(DataError, match=re.escape(message)):
        loaded(source, target)


# real targets


def test_real_targets_pass_as_they_are():
    y = floats(32, 2)
    data = loaded(*(kind_of(name, Vector(), floats(32, 3), y=y) for name in "st"), protocol=replaced(shots=5))
    assert data.target_kind == "real" and data.space.known == () and data.space.outputs == 2
    assert np.array_equal(data.source.y, y) and np.array_equal(data.test.y, y) and data.test.y.dtype == np.float32
    assert data.labelled.y.shape == (5, 2) and {row.tobytes() for row in data.labelled.y} <= {r.tobytes() for r in y}
    alone = loaded(kind_of("t", Vector(), floats(32, 3), y=y))
    assert alone.source.y.shape == (0, 2) and alone.source.y.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": LabelSpace(("a", "b"), ("a",))}, "expected no `labels`"),
        ({"classes": ("a", "b")}, "expected no `classes`"),
        ({"stream": "class"}, "expected no stream 'class'"),
        ({"stream": "dirichlet", "concentration": 0.1}, "expected no stream 'dirichlet'"),
        ({"draws": (Draw("s", "prior", prior=Tweaked("a", 0.5)),)}, "expected no draw 'prior'"),
        ({"shots": 33}, "Task 's->t/33': 't' has 32 train rows; expected 33 or more (shots)"),
    ],
)
def test_rules_of_classes_are_refused_for_real_targets(changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        loaded(
            *(kind_of(name, Vector(), floats(32, 3), y=floats(32, 1)) for name in "st"), protocol=replaced(**changes)
        )


# priors


def test_a_prior_shifts_the_target_and_is_in_the_hash():
    draw = Draw("t", "prior", prior=Tweaked("b", 0.4), splits=("train", "test"))
    data = loaded(toy("s"), toy("t"), protocol=replaced(draws=(draw,)))
    plain = loaded(toy("s"), toy("t"))
    assert np.bincount(data.source.y).tolist() == [8] * 4 and np.bincount(data.labelled.y).tolist() == [4, 8, 4, 4]
    assert np.bincount(data.test.y).tolist() == [2, 4, 2, 2] and data.hash != plain.hash
