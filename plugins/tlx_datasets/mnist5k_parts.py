"""MNIST 5k in two parts: domains that differ in nothing, for shifts of the classes' shares alone."""

from tlx.data import Arrays, Dataset, choose_rows
from tlx_datasets import mnist5k


def fifth() -> Dataset:
    """Handwritten digits, a fifth of `mnist5k`: 500 train and 500 test rows, balanced; the others: `mnist5k_rest`."""
    whole = mnist5k.load()
    few = choose_rows(whole.test.y, whole.test.origin, 50, "mnist5k_fifth")
    return Dataset("mnist5k_fifth", _part(whole.test, few), _part(whole.test, ~few), whole.classes)


def rest() -> Dataset:
    """Handwritten digits, the other four fifths of `mnist5k`: 3,000 train and 1,000 test rows, balanced."""
    whole = mnist5k.load()
    test = choose_rows(whole.train.y, whole.train.origin, 100, "mnist5k_rest")
    return Dataset("mnist5k_rest", _part(whole.train, ~test), _part(whole.train, test), whole.classes)


def _part(rows: Arrays, mark) -> Arrays:
    return Arrays(rows.x[mark], rows.y[mark], rows.origin[mark])
