import numpy as np

from tlx_datasets import usps
from tlx_datasets.rows import as_filed, by_content
from tlx_datasets.usps_as_filed import build_as_filed


def test_rows_are_in_the_order_of_the_file_under_their_own_names():
    """The trap: a row that has another origin than in `usps`, so that a protocol takes it for another image."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 255, (30, 4, 4, 1), np.uint8), random.integers(0, 10, 30)
    filed, sorted_rows = as_filed("usps", "train", x, y), by_content("usps", "train", x, y)
    assert np.array_equal(filed.x, x) and np.array_equal(filed.y, y)
    for part in (filed, sorted_rows):
        assert len(set(part.origin.tolist())) == 30
    images = dict(zip(sorted_rows.origin.tolist(), sorted_rows.x, strict=True))
    assert all(np.array_equal(images[name], image) for name, image in zip(filed.origin.tolist(), x, strict=True))


def test_it_is_built_from_the_files_of_usps(monkeypatch, tmp_path):
    values, labels = np.arange(-512, 512, dtype=float).reshape(4, 256) / 1000, np.array([2, 0, 1, 0])
    monkeypatch.setattr(usps, "_form", lambda folder: (("a", "b"), lambda path, split: (values, labels)))
    counts = tuple(np.bincount(labels, minlength=10).tolist())
    monkeypatch.setattr(usps, "COUNTS", {"train": counts, "test": counts})
    found = build_as_filed(tmp_path)
    assert (found.name, found.train.y.tolist()) == ("usps_as_filed", labels.tolist())
    assert sorted(found.train.origin.tolist()) == usps.build(tmp_path).train.origin.tolist()
