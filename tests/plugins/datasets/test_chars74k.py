"""Chars74K's digits and what is drawn from them."""

import numpy as np
import pytest

from tlx import Arrays, DataError
from tlx_datasets import chars74k, font_digits


def write(path, x: np.ndarray, y: np.ndarray) -> None:
    np.savez_compressed(path, images=x, labels=y, filenames=np.array(["a.png"] * len(y)))


def glyphs(rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.full((rows, 32, 32), 255, np.uint8)
    x[:, 6:26, 10:22] = np.random.default_rng(0).integers(0, 128, (rows, 20, 12), np.uint8)
    return x, np.arange(rows) % 10


def test_fonts_without_twins(tmp_path):
    x, y = glyphs(100)
    x[10] = x[0]  # a twin: both are 0
    x[11] = x[2]  # one glyph for 1 and 2
    write(tmp_path / chars74k.FNT.name, x, y)
    data = chars74k.build_fnt(tmp_path)
    images = np.concatenate([data.train.x, data.test.x])
    assert images.shape == (97, 32, 32, 1) and len(np.unique(images.reshape(97, -1), axis=0)) == 97
    assert not (images == x[2][..., None]).all((1, 2, 3)).any()
    assert np.bincount(data.test.y).tolist() == [1, 1, 1, 2, 2, 2, 2, 2, 2, 2]


def test_photographs_have_three_channels(tmp_path):
    x, y = glyphs(50)
    write(tmp_path / chars74k.IMG.name, np.repeat(x[..., None], 3, axis=3), y)
    data = chars74k.build_img(tmp_path)
    assert data.train.x.shape == (40, 32, 32, 3) and np.bincount(data.test.y).tolist() == [1] * 10


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no archive"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / chars74k.FNT.name).write_bytes(content)
    with pytest.raises(DataError, match=r"chars74k_fnt_digits_32\.npz: it cannot be read"):
        chars74k.build_fnt(tmp_path)


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / chars74k.FNT.name, images=np.array([{}], object), labels=np.zeros(1))
    with pytest.raises(DataError, match="it cannot be read"):
        chars74k.build_fnt(tmp_path)


def test_images_of_another_type_are_refused(tmp_path):
    write(tmp_path / chars74k.FNT.name, np.zeros((4, 32, 32)), np.arange(4))
    with pytest.raises(DataError, match="images float64"):
        chars74k.build_fnt(tmp_path)


def test_font_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(font_digits, "ROWS", {"train": 40, "test": 20})
    write(tmp_path / chars74k.FNT.name, *glyphs(100))
    fonts = chars74k.build_fnt(tmp_path)
    data, again = (font_digits.build(fonts, tmp_path) for _ in range(2))
    assert data.train.x.shape == (40, 32, 32, 3) and np.bincount(data.test.y).tolist() == [2] * 10
    assert np.array_equal(data.train.x, again.train.x) and np.array_equal(data.test.x, again.test.x)
    assert len(np.unique(data.train.x.reshape(40, -1), axis=0)) == 40


def test_the_ink_of_font_digits_is_that_of_its_label(monkeypatch):
    """Odd digits here are blank: without noise, neighbours' ink aside, the middle of an image tells odd from even."""
    x, y = np.full((40, 32, 32, 1), 255, np.uint8), np.arange(40, dtype=np.int32) % 10
    x[::2, 4:28, 10:22] = 0
    ink = []

    def keep(strip: np.ndarray, random: np.random.Generator) -> np.ndarray:
        ink.append(strip[14:18, 14:18].mean())
        return np.zeros((32, 32, 3), np.uint8)

    monkeypatch.setattr(font_digits, "_coloured", keep)
    drawn = font_digits.draw(Arrays(x, y, np.array([f"{row}" for row in range(40)])), "train", 60, 0)
    assert drawn.y.tolist() == [row % 10 for row in range(60)]
    assert min(ink[::2]) > 0.9 and max(ink[1::2]) < 0.5


@pytest.mark.data
@pytest.mark.parametrize(
    ("build", "train", "test"),
    [
        (chars74k.build_fnt, (6739, 32, 32, 1), (1678, 32, 32, 1)),
        (chars74k.build_img, (712, 32, 32, 3), (173, 32, 32, 3)),
    ],
)
def test_the_real_files(build, train, test, raw):
    data = build(raw)
    assert data.train.x.shape == train and data.test.x.shape == test
    assert f"{train[0]:,} train and {test[0]:,} test rows" in (build.__doc__ or "")
    assert set(data.test.y) == set(range(10))
