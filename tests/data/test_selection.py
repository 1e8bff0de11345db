"""Rows of several arrays of images, against a loop over the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlx.data import Arrays
from tlx.data.resize import CHUNK, fit
from tlx.data.selection import images, join, part


def arrays(name: str, rows: int, size: int, channels: int) -> Arrays:
    x = np.random.default_rng(rows).integers(0, 256, (rows, size, size, channels), np.uint8)
    return Arrays(x, np.arange(rows, dtype=np.int32) % 3, np.array([f"{name}/{row}" for row in range(rows)]))


FIRST, SECOND, THIRD = arrays("a", 40, 6, 1), arrays("b", CHUNK + 9, 5, 3), arrays("c", 30, 6, 1)
EVERY = (FIRST, SECOND, THIRD)
LABELS = {name: label for item in EVERY for name, label in zip(item.origin.tolist(), item.y.tolist(), strict=True)}
FITTED = {
    (name, channels): image
    for channels in (1, 3)
    for item in EVERY
    for name, image in zip(item.origin.tolist(), fit(item.x, 6, channels), strict=True)
}


@pytest.mark.parametrize("channels", [1, 3])
@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_any_rows_of_several_arrays(channels, seed, share):
    random = np.random.default_rng(seed)
    pieces = []
    for item in EVERY:
        mark = random.random(len(item.y)) < share
        mark[0] = True
        pieces.append(part(item).where(mark))
    whole = join(pieces)
    again = random.random(len(whole.y)) < 0.7
    again[-1] = True
    kept = whole.where(again)
    shown = images(kept, 6, channels)
    assert shown.shape == (again.sum(), 6, 6, channels) and shown.dtype == np.uint8
    for x, y, name in zip(shown, kept.y, kept.origin.tolist(), strict=True):
        assert y == LABELS[name] and np.array_equal(x, FITTED[name, channels])


def test_nothing_is_copied_before_it_is_needed():
    mark = np.arange(len(SECOND.y)) % 2 == 0
    some = join([part(SECOND).where(mark), part(FIRST)])
    assert all(held is x for held, x in zip(some.arrays, (SECOND.x, FIRST.x), strict=True))
    assert np.shares_memory(images(part(FIRST), 6, 1), FIRST.x) and np.shares_memory(images(part(FIRST), 6, 3), FIRST.x)
    assert not np.shares_memory(images(part(FIRST).where(FIRST.y == 0), 6, 1), FIRST.x)
