"""A dataset from arrays in memory."""

import numpy as np
import pytest

from tlx.data import Sequence, Tokens, Vector, from_arrays
from tlx.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (30, 6, 6), np.uint8)
Y = np.arange(30) % 3


def test_both_splits_as_given():
    data = from_arrays("lab", (X[:20], Y[:20]), (X[20:], Y[20:]), ("a", "b", "c"))
    assert np.array_equal(data.train.x, X[:20, ..., None]) and np.array_equal(data.test.x, X[20:, ..., None])
    assert data.train.y.dtype == np.int32 and np.array_equal(data.test.y, Y[20:]) and data.classes == ("a", "b", "c")
    assert data.name == "lab" and len({*data.train.origin, *data.test.origin}) == 30


def test_a_fifth_of_each_class_is_test():
    data, again = (from_arrays("lab", (X, Y.tolist())) for _ in range(2))
    assert np.bincount(data.test.y).tolist() == [2, 2, 2] and np.bincount(data.train.y).tolist() == [8, 8, 8]
    assert np.array_equal(data.test.x, again.test.x) and data.classes == ("0", "1", "2")
    images = {image.tobytes(): label for image, label in zip(X, Y, strict=True)}
    assert all(images[x.tobytes()] == y for x, y in zip(data.test.x, data.test.y, strict=True))


def test_colour_stays():
    colour = np.repeat(X[..., None], 3, axis=3)
    assert from_arrays("lab", (colour, Y)).train.x.shape == (24, 6, 6, 3)


@pytest.mark.parametrize(
    ("train", "test", "classes", "message"),
    [
        ((X / 255, Y), None, None, r"lab/train: images are float64; expected uint8 .* \(x \* 255\)"),
        ((X, Y + 0.5), None, None, r"lab/train: labels are float64 \(30,\); .* and label 0.5 is in row 0"),
        ((X, [*Y[:-1], np.nan]), None, None, "label nan is in row 29"),
        ((X, [*Y[:-1], 2**32]), None, None, "lab/train: label 4294967296 is in row 29; expected whole numbers from 0"),
        ((X, [*Y[:-1], 2_000_000_000]), None, None, "in row 29; expected .* at most 999, unless `classes` has more"),
        ((X, Y), (X, [2**32 + 1, *Y[1:]]), None, "lab/test: label 4294967297 is in row 0"),
        ((X, Y), None, "abc", "lab: classes is 'abc'; expected a list of names"),
        ((X, Y), None, 3, "lab: classes is 3; expected a list of names"),
        ((X, Y), None, (0, 1, 2), r"lab: classes is \(0, 1, 2\); expected a list of names"),
        ((X, Y), None, (), r"lab: classes is \(\); expected a list of names"),
        (X, None, None, r"lab/train: expected a pair, \(x, labels\)"),
        ((X, Y[:5]), None, None, r"30 images and labels \(5,\)"),
        ((X, Y[:5]), (X, Y), None, "y is int32"),
        ((X[:3], Y[:3]), None, None, "lab: no class has more than one row"),
        ((X, None), (X, Y), None, "lab/train: it has no labels, the other split has; expected both or none"),
        ((X, None), None, ("a", "b"), r"classes \('a', 'b'\) of rows without labels"),
        ((X, Y), None, ("a", "b"), "label 2 is in row 2; expected whole numbers from 0 to classes - 1, here at most 1"),
        ((X, Y - 1), None, ("a", "b", "c"), "label -1 is in row 0; expected whole numbers from 0"),
        ((X[..., None].repeat(2, 3), Y), None, None, "2 channels"),
    ],
)
def test_what_does_not_fit_is_named(train, test, classes, message):
    with pytest.raises(DataError, match=message):
        from_arrays("lab", train, test, classes)


def test_the_one_row_of_a_class_is_in_train():
    data = from_arrays("lab", (X, [*Y[:-1], 3]))
    assert np.bincount(data.train.y, minlength=4)[3] == 1 and 3 not in data.test.y and data.classes[3] == "3"


def test_rows_without_labels():
    data = from_arrays("lab", (X, None))
    assert (data.target_kind, data.classes) == ("none", ()) and (len(data.train.y), len(data.test.y)) == (24, 6)
    assert set(data.train.y) == set(data.test.y) == {-1}


def test_a_dataset_needs_a_name():
    with pytest.raises(DataError, match="Dataset name 'None'; expected letters"):
        from_arrays(None, (X, Y))  # pyright: ignore[reportArgumentType]


def test_labels_that_are_whole_floats_are_taken():
    data = from_arrays("lab", (X, Y.astype(float)))
    assert data.train.y.dtype == np.int32 and data.classes == ("0", "1", "2")


TABLE = np.random.default_rng(0).normal(size=(30, 4))


def test_a_table_is_vectors():
    data = from_arrays("lab", (TABLE, Y))
    assert data.input == Vector() and data.train.x.dtype == np.float32 and data.train.x.shape == (24, 4)
    assert np.bincount(data.test.y).tolist() == [2, 2, 2] and data.target_kind == "classes"
    rows = {row.tobytes(): label for row, label in zip(TABLE.astype(np.float32), Y, strict=True)}
    assert all(rows[x.tobytes()] == y for x, y in zip(data.test.x, data.test.y, strict=True))


def test_series_are_sequences():
    data = from_arrays("lab", (np.zeros((30, 7, 2)) + np.arange(7)[:, None], Y))
    assert data.input == Sequence() and data.test.x.shape == (6, 7, 2)
    square = np.random.default_rng(0).random((30, 6, 6))
    assert from_arrays("lab", (square, Y), input=Sequence()).input == Sequence()


def test_other_kinds_by_name():
    words = np.arange(60).reshape(30, 2) % 11
    assert from_arrays("lab", (words, Y), input=Tokens(11)).train.x.dtype == np.int32
    assert from_arrays("lab", (TABLE, Y), input=Vector(standardise=False)).input == Vector(False)
    data = from_arrays("lab", ({"a": TABLE, "b": TABLE[:, :1]}, Y))
    assert data.test.x["a"].shape == (6, 4) and data.test.x["b"].shape == (6, 1) and data.input == Vector()


def test_real_labels():
    data = from_arrays("lab", (TABLE, TABLE[:, :2]))
    assert data.target_kind == "real" and data.classes == () and data.train.y.shape == (24, 2)
    assert len(data.test.y) == 6 and np.array_equal(data.test.x[:, :2], data.test.y)


@pytest.mark.parametrize(
    ("train", "more", "message"),
    [
        ((TABLE.astype(int), Y), {}, r"lab/train: x is int64 \(30, 4\); expected uint8 images, floats .* input=Tokens"),
        ((TABLE * np.nan, Y), {}, "Dataset 'lab', train: 96 values of x are not finite"),
        ((TABLE.astype(complex), Y), {"input": Vector()}, "x is complex128; expected numbers"),
        ((Y[:, None] + 2**32, Y), {"input": Tokens(3)}, "tokens are 4294967296 to 4294967298; expected 0 to 2"),
        ((TABLE, Y), {"input": Tokens(3)}, "tokens are float64; expected whole numbers"),
        ((TABLE, TABLE[:, 0]), {}, r"labels are float64 \(30,\); expected whole numbers .* \(y\[:, None\]\)"),
        ((TABLE, TABLE[:, :1] / TABLE[:, :1] * np.inf), {}, "24 values of y are not finite"),
        ((TABLE, TABLE[:, :1]), {"classes": ("a", "b")}, "of real targets; expected none"),
        ((TABLE, TABLE[:3]), {}, r"30 rows and labels \(3, 4\); expected one label a row"),
        ((TABLE[..., None, None], Y), {}, "images are float64; expected uint8"),
    ],
)
def test_what_is_no_table_is_named(train, more, message):
    with pytest.raises(DataError, match=message):
        from_arrays("lab", train, **more)
