import sys

import numpy as np
import pytest

from tlx import SettingError
from tlx.engine.read_ahead import read_ahead

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 3, 1)).astype(np.uint8)


def test_rows_come_in_order_whatever_the_threads():
    rows = {"a": np.random.default_rng(1).integers(0, 20, (50, 3, 2)), "b": np.arange(50)[:, None] % 20}
    batches = list(read_ahead({"a": IMAGES, "b": IMAGES}, rows, threads=4))
    assert len(batches) == 50
    for number, batch in enumerate(batches):
        np.testing.assert_array_equal(batch["a"], IMAGES[rows["a"][number]])
        np.testing.assert_array_equal(batch["b"], IMAGES[rows["b"][number]])


def test_an_image_that_cannot_be_read_stops_it():
    class Broken:
        shape = (20, 4, 3, 1)

        def __getitem__(self, rows):
            raise OSError("photo7.png is cut short")

    with pytest.raises(OSError, match="photo7.png is cut short"):
        list(read_ahead({"a": Broken()}, {"a": np.zeros((3, 2), int)}, threads=2))


def test_without_grain_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[stream\]'"):
        next(read_ahead({"a": IMAGES}, {"a": np.zeros((3, 2), int)}, threads=2))
