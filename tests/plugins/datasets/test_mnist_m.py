"""MNIST-M: the recipe against a loop, the same draw everywhere, and labels and origins of the digits."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image

from tlx import Dataset, Protocol, Task
from tlx.data import load_task
from tlx_datasets import bsds500, mnist_m


def photographs() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (*shape, 3), np.uint8) for shape in ((40, 50), (50, 40), (28, 28))]


def test_each_row_is_a_crop_minus_its_digit(mnist: Dataset):
    photos = photographs()
    found = mnist_m.blend(mnist.train, photos, 0)
    words = iter(np.random.PCG64(0).random_raw(3 * len(found.y)).tolist())
    for x, digit in zip(found.x, mnist.train.x, strict=True):
        photo = photos[next(words) % len(photos)]
        top, left = (next(words) % (length - 27) for length in photo.shape[:2])
        crop = photo[top : top + 28, left : left + 28].astype(int)
        assert np.array_equal(x, np.abs(crop - digit.astype(int)))
    assert np.array_equal(found.y, mnist.train.y) and np.array_equal(found.origin, mnist.train.origin)


def test_the_draw_is_the_same_everywhere(mnist: Dataset):
    """The raw words of PCG64 are NumPy's promise; a changed hash means another MNIST-M, which needs a new name."""
    digits = np.zeros_like(mnist.train.x)
    photos = [np.arange(60 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(60, 60, 3)]
    x = mnist_m.blend(mnist.train._replace(x=digits), photos, 0).x
    assert hashlib.sha256(x.tobytes()).hexdigest()[:16] == "754ee35b5a038e19"


def test_blocks_make_no_difference(mnist: Dataset, monkeypatch):
    whole = mnist_m.blend(mnist.train, photographs(), 1).x
    monkeypatch.setattr(mnist_m, "BLOCK", 7)
    assert np.array_equal(whole, mnist_m.blend(mnist.train, photographs(), 1).x)


def test_build_reads_the_photographs_and_keeps_the_splits(mnist: Dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(bsds500, "FILES", bsds500.FILES[:3])
    for file, photo in zip(bsds500.FILES, photographs(), strict=True):
        Image.fromarray(photo).save(tmp_path / file.name, quality=100)
    data = mnist_m.build(mnist, tmp_path)
    assert data.name == "mnist_m" and data.train.x.shape == (120, 28, 28, 3) and data.test.x.shape == (20, 28, 28, 3)
    assert not np.array_equal(data.train.x[:20], data.test.x)
    task = Task(("mnist",), ("mnist_m",), Protocol("P", "", 28, None, shared_origins=True))
    loaded = load_task(task, {"mnist": mnist, "mnist_m": data}.__getitem__)
    assert len(loaded.source.y) == len(loaded.target.x) == 120, "all digits are in both, as published"


def test_the_photographs_are_200_files_each_with_its_hash():
    assert len(bsds500.FILES) == len({file.sha256 for file in bsds500.FILES}) == 200
    assert all(len(file.sha256) == 64 and file.size and file.urls for file in bsds500.FILES)
    assert dataclasses.replace(mnist_m.mnist_m).files == bsds500.FILES


@pytest.mark.data
def test_the_real_photographs(raw):
    photos = bsds500.photographs(raw / "bsds500_train")
    assert {photo.shape for photo in photos} == {(321, 481, 3), (481, 321, 3)}
    for file in bsds500.FILES[:20]:
        assert hashlib.sha256((raw / "bsds500_train" / file.name).read_bytes()).hexdigest() == file.sha256
