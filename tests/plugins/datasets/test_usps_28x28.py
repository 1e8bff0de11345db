import numpy as np

from tlx.data import Arrays, Dataset
from tlx_datasets.usps_28x28 import build


def split(part, rows):
    x = np.arange(rows, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 1), np.uint8)
    return Arrays(x, np.arange(rows, dtype=np.int32) % 10, np.array([f"usps/{part}/{row}" for row in range(rows)]))


def test_the_same_rows_are_split_anew():
    usps = Dataset("usps", split("train", 7291), split("test", 2007), tuple("0123456789"))
    found = build(usps, None)
    assert (found.name, len(found.train.y), len(found.test.y)) == ("usps_28x28", 7438, 1860)
    whole = dict(zip([*usps.train.origin, *usps.test.origin], [*usps.train.y, *usps.test.y], strict=True))
    again = dict(zip([*found.train.origin, *found.test.origin], [*found.train.y, *found.test.y], strict=True))
    assert again == whole
    # by hash, so both of the official parts are in both
    assert all(
        {str(origin).split("/")[1] for origin in part.origin} == {"train", "test"} for part in (found.train, found.test)
    )
    assert np.array_equal(build(usps, None).test.origin, found.test.origin)
