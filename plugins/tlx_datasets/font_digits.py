"""Synthetic digits drawn from the fonts of Chars74K, after SynDigits: 32x32 RGB, 20,000 train and 2,000 test rows.

Reference: Ganin, Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015, which describes SynDigits.
"""

from pathlib import Path

import numpy as np

from tlx.data import Arrays, Dataset
from tlx.store import Prepared
from tlx_datasets.chars74k import chars74k_fnt

ROWS = {"train": 20_000, "test": 2_000}
SEEDS = {"train": 0, "test": 1}
CONTRAST = 60  # least distance of the two colours in one channel


def build(glyphs: Dataset, _: Path) -> Dataset:
    """A stand-in for SynDigits with a name of its own; scores on it are not scores on SynDigits.

    As there, a number of one to three digits is drawn, turned by up to 20 degrees, moved, scaled, coloured over a
    coloured ground, blurred, and cropped about the digit that is the label; the other digits are cut. The glyphs of
    train rows are those of `chars74k_fnt`'s train split, of test rows its test split's. Unlike there, the ground is one
    colour that runs into another, and the digits of one number may come from different fonts. The classes are balanced.

    Seeded by NumPy's Generator(PCG64(0)) for train and PCG64(1) for test.
    """
    train, test = (draw(getattr(glyphs, split), split, rows, SEEDS[split]) for split, rows in ROWS.items())
    return Dataset("font_digits", train, test, glyphs.classes)


def draw(glyphs: Arrays, split: str, rows: int, seed: int) -> Arrays:
    """`rows` images with the labels 0, 1, ... 9, 0, 1, ..."""
    random = np.random.Generator(np.random.PCG64(seed))
    ink = 255 - glyphs.x[..., 0]
    of_class = [np.flatnonzero(glyphs.y == label) for label in range(10)]
    y = np.arange(rows, dtype=np.int32) % 10
    x = np.empty((rows, 32, 32, 3), np.uint8)
    for row, label in enumerate(y):
        middle = ink[random.choice(of_class[label])]
        left, right = (ink[random.integers(len(ink))] if random.random() < 0.5 else None for _ in range(2))
        x[row] = _coloured(_strip(left, middle, right, random), random)
    return Arrays(x, y, np.array([f"font_digits/{split}/{row:05d}" for row in range(rows)]))


def _strip(left, middle: np.ndarray, right, random: np.random.Generator) -> np.ndarray:
    """The ink of up to three glyphs side by side, turned, scaled, moved and blurred: 0..1, [32, 32]."""
    from PIL import Image, ImageFilter

    page = np.zeros((64, 96), np.uint8)
    page[16:48, 32:64] = middle
    gap = int(random.integers(18, 25))  # glyphs of 32 pixels have margins, so neighbours overlap their boxes
    for glyph, start in ((left, 32 - gap), (right, 32 + gap)):
        if glyph is not None:
            place = page[16:48, start : start + 32]
            np.maximum(place, glyph, out=place)
    angle, side = random.uniform(-20, 20), random.uniform(26, 38)
    column, row = 48 + random.uniform(-3, 3), 32 + random.uniform(-3, 3)
    turned = Image.fromarray(page).rotate(angle, Image.Resampling.BILINEAR)
    box = (column - side / 2, row - side / 2, column + side / 2, row + side / 2)
    small = turned.resize((32, 32), Image.Resampling.BILINEAR, box)
    return np.asarray(small.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2)))) / 255


def _coloured(ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ink of one colour over a ground that runs from one colour to another; uint8 [32, 32, 3]."""
    stroke, ground, other = random.integers(0, 256, (3, 3)).astype(float)
    while np.abs(stroke - (ground + other) / 2).max() < CONTRAST:
        stroke = random.integers(0, 256, 3).astype(float)
    turn = random.uniform(0, 2 * np.pi)
    rows, columns = np.indices((32, 32)) / 31 - 0.5
    way = np.clip(0.5 + np.cos(turn) * rows + np.sin(turn) * columns, 0, 1)[..., None]
    behind = ground * (1 - way) + other * way
    noise = random.normal(0, random.uniform(0, 8), (32, 32, 3))
    image = behind * (1 - ink[..., None]) + stroke * ink[..., None] + noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


font_digits = Prepared(
    "font_digits", build, needs=(chars74k_fnt,), source="made here from Chars74K's fonts", licence="research use"
)
