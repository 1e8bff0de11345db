"""The checks of a dataset, on vectors, trees and real targets."""

import numpy as np

from tlx.data import Arrays, Dataset, Vector
from tlx.testing import check_dataset


def dataset(real: bool, first: int = 8, train_x=None) -> Dataset:
    def split(start: int, rows: int) -> Arrays:
        number = np.arange(start, start + rows)
        x = {"a": number[:, None].astype(np.float32), "b": np.ones((rows, 2), np.float32)}
        y = x["a"] / 10 if real else (number % 2).astype(np.int32)
        return Arrays(x, y, np.array([f"{start}/{row}" for row in range(rows)]))

    train = split(0, 8)
    if train_x is not None:
        train = train._replace(x=train_x)
    return Dataset("d", train, split(first, 4), () if real else ("x", "y"), Vector(), "real" if real else "classes")


def failures(subject) -> dict[str, str]:
    return {result.name: result.message for result in check_dataset(subject) if not result.passed}


def test_trees_and_real_targets_pass():
    assert failures(dataset(real=False)) == failures(dataset(real=True)) == {}


def test_rows_in_both_splits_are_counted():
    assert failures(dataset(real=True, first=6)) == {
        "splits_share_no_image": "2 of 4 test rows are in train too, number for number"
    }


def test_a_load_that_differs_is_told_by_its_array():
    calls = iter(range(9))

    def load() -> Dataset:
        x = {"a": np.full((8, 1), next(calls), np.float32) - 50, "b": np.ones((8, 2), np.float32)}
        return dataset(real=True, train_x=x)

    assert failures(load)["loads_the_same_twice"] == "train.x differs between two loads: fix the seed and the order"
