"""A dataset from arrays in memory."""

import numpy as np
import pytest

from tlx.data import from_arrays
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
        ((X, Y.astype(float)), None, None, "lab/train: labels are float64"),
        ((X, Y[:5]), None, None, r"30 images and labels \(5,\)"),
        ((X, Y[:5]), (X, Y), None, "y is int32"),
        ((X, [*Y[:-1], 3]), None, None, "label 3 has one row"),
        ((X, Y), None, ("a", "b"), "labels are 0 to 2; expected 0 to 1"),
        ((X, Y - 1), None, ("a", "b", "c"), "labels are -1"),
        ((X[..., None].repeat(2, 3), Y), None, None, "2 channels"),
    ],
)
def test_what_does_not_fit_is_named(train, test, classes, message):
    with pytest.raises(DataError, match=message):
        from_arrays("lab", train, test, classes)
