"""The digits of Chars74K: from computer fonts, and from natural photographs.

Reference: de Campos, Babu, Varma, "Character recognition in natural images", VISAPP 2009.
"""

from pathlib import Path

import numpy as np

from tlx import DataError
from tlx.data import Arrays, Dataset, choose_rows
from tlx.store import File, Prepared

DIGITS = tuple("0123456789")
SOURCE = "http://www.ee.surrey.ac.uk/CVSSP/demos/chars74k"
FNT = File(
    "chars74k_fnt_digits_32.npz", "ef2e6dfda89b23298a861007bbe09a6be3161c7fe08f345a92013db46267c014", (), 3022564
)
IMG = File(
    "chars74k_img_digits_32.npz", "3a437d01db0c08af9cd326aef885c893dffffc2ef9a499dc58612c6c2c65b7bb", (), 2389563
)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """`images` as uint8 [N, H, W, C] and `labels` of an .npz file. Raises DataError where it is damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            x, y = held["images"], held["labels"].astype(np.int32)
    except Exception as error:  # zip and npy readers have errors of many kinds for a damaged file
        raise DataError(f"{path}: it cannot be read as .npz: {type(error).__name__}: {error}") from error
    x = x[..., None] if x.ndim == 3 else x
    if x.dtype != np.uint8 or y.shape != x.shape[:1]:
        raise DataError(f"{path}: images {x.dtype} {x.shape}, labels {y.shape}; expected uint8 and as many labels.")
    return x, y


def build_fnt(folder: Path) -> Dataset:
    """Digits of computer fonts, dark on white: 32x32 grey, 6,739 train and 1,678 test rows.

    254 fonts in four styles. Many are alike, so images that come twice are taken once, and those that stand for several
    digits not at all. A fifth of each class is test, by the hash of the origin; styles of one font may be on both
    sides.
    """
    x, y = distinct(*read(folder / FNT.name))
    return split("chars74k_fnt", x, y)


def build_img(folder: Path) -> Dataset:
    """Digits of photographs, mostly of street scenes: 32x32 RGB, 712 train and 173 test rows.

    The nearest thing to SVHN, and small. A fifth of each class is test, by the hash of the origin.
    """
    return split("chars74k_img", *read(folder / IMG.name))


def distinct(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows without images that come twice, and without any of an image with several labels."""
    labels: dict[bytes, set[int]] = {}
    first: dict[bytes, int] = {}
    for row, (image, label) in enumerate(zip(x, y.tolist(), strict=True)):
        labels.setdefault(image.tobytes(), set()).add(label)
        first.setdefault(image.tobytes(), row)
    rows = [row for pixels, row in first.items() if len(labels[pixels]) == 1]
    return x[rows], y[rows]


def split(name: str, x: np.ndarray, y: np.ndarray) -> Dataset:
    """A fifth of each class to test."""
    origin = np.array([f"{name}/{row:05d}" for row in range(len(y))])
    mark = np.zeros(len(y), bool)
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        mark[own] = choose_rows(y[own], origin[own], max(1, len(own) // 5), f"{name} test")
    train, test = (Arrays(x[rows], y[rows], origin[rows]) for rows in (~mark, mark))
    return Dataset(name, train, test, DIGITS)


chars74k_fnt = Prepared("chars74k_fnt", build_fnt, (FNT,), source=SOURCE, licence="research use")
chars74k_img = Prepared("chars74k_img", build_img, (IMG,), source=SOURCE, licence="research use")
