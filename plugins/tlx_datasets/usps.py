"""Handwritten digits from US envelopes, the official split: 16x16 grey, 7,291 train and 2,007 test rows.

Reference: LeCun, Boser, Denker, Henderson, Howard, Hubbard, Jackel, "Handwritten digit recognition with a
back-propagation network", NIPS 1989.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tlx import DataAbsent, DataError
from tlx.data import Arrays, Dataset
from tlx.store import File, Prepared, Ready
from tlx_datasets.rows import by_content

DIGITS = tuple("0123456789")
COUNTS = {
    "train": (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    "test": (359, 264, 198, 166, 200, 160, 170, 147, 166, 177),
}
FILES = (
    File(
        "usps.h5",
        "734f88c541104a956d88be2c95d03b4a463ffd74ccc2ba9c80841fb98e3fcb36",
        (
            "https://raw.githubusercontent.com/niuers/Learning-From-Data-A-Short-Course/"
            "35684e893b63bf4039bafcc6d34fe935851baf9a/data/usps.h5",
        ),
        2913522,
    ),
)
OTHERS = (("zip.train.gz", "zip.test.gz"), ("usps.bz2", "usps.t.bz2"))
Read = tuple[np.ndarray, np.ndarray]
"""Values [rows, 256] in -1..1, and labels."""


def build(folder: Path, as_name: str = "usps", arrange: Callable[..., Arrays] = by_content) -> Dataset:
    """USPS from the files in a folder, in any of the three forms in which its official split goes round.

    - zip.train.gz and zip.test.gz, of "The Elements of Statistical Learning" (hastie.su.domains/ElemStatLearn): text.
    - usps.bz2 and usps.t.bz2, of LIBSVM (www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass), which
      torchvision takes.
    - usps.h5, values scaled to 0..1 in 32 bits.

    All hold the same thousandths from -1 to 1. They become bytes as round((v + 1) / 2 * 255) in whole numbers, so the
    three forms give the same arrays (torchvision rounds down). `arrange` puts the rows in order: `tlx_datasets.rows`.

    Raises:
        DataAbsent: no form is there.
        DataError: a damaged file, values off the thousandths, or not the official rows of each class.
    """
    names, read = _form(folder)
    parts = []
    for split, name in zip(("train", "test"), names, strict=True):
        values, labels = read(folder / name, split)
        x, y = grey(values, folder / name), labels.astype(np.int32)
        counts = tuple(np.bincount(y, minlength=10).tolist()) if y.size and y.min() >= 0 else ()
        if counts != COUNTS[split]:
            raise DataError(f"{folder / name}: rows of each class are {counts}; expected {COUNTS[split]} ({split}).")
        parts.append(arrange("usps", split, x, y))
    return Dataset(as_name, parts[0], parts[1], DIGITS)


def grey(values: np.ndarray, path: Path) -> np.ndarray:
    """Values [rows, 256] in -1..1 as uint8 [rows, 16, 16, 1]. Raises DataError where they are no thousandths."""
    if values.ndim != 2 or values.shape[1] != 256:
        raise DataError(f"{path}: values {values.shape}; expected 256 a row.")
    scaled = values.astype(np.float64) * 1000
    if not np.isfinite(scaled).all() or np.abs(scaled).max(initial=0) > 1000.1:
        raise DataError(f"{path}: values beyond -1 to 1, or not numbers.")
    thousandths = np.rint(scaled).astype(np.int64)
    if np.abs(scaled - thousandths).max(initial=0) > 0.1:
        raise DataError(f"{path}: values between the thousandths; expected those of the official files.")
    return (((thousandths + 1000) * 255 + 1000) // 2000).astype(np.uint8).reshape(-1, 16, 16, 1)


def read_text(path: Path, split: str) -> Read:
    """A gzipped file of lines "label value ... value"."""
    table = _sound(path, lambda: np.loadtxt(path, ndmin=2))
    return table[:, 1:], np.rint(table[:, 0])


def read_libsvm(path: Path, split: str) -> Read:
    """A file of lines "label 1:value ... 256:value", labels from 1, compressed by bzip2."""
    from sklearn.datasets import load_svmlight_file

    load: Any = load_svmlight_file  # its types are inferred, wrongly
    values, labels = _sound(path, lambda: load(str(path), n_features=256, zero_based=False))
    return values.toarray(), np.rint(labels) - 1


def read_h5(path: Path, split: str) -> Read:
    """One group of an HDF5 file: `data` in 0..1 and `target`."""
    import h5py

    def read() -> Read:
        with h5py.File(path, "r") as file:
            return np.asarray(file[f"{split}/data"]) * 2.0 - 1.0, np.asarray(file[f"{split}/target"])

    return _sound(path, read)


def _sound(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # each reader has errors of its own for a damaged file
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise DataError(f"{path}: it cannot be read as a file of USPS: {said}") from error


def _form(folder: Path) -> tuple[tuple[str, str], Callable[[Path, str], Read]]:
    """The first form whose files are all there."""
    readers = (read_text, read_libsvm, read_h5)
    for names, read in zip((*OTHERS, ("usps.h5", "usps.h5")), readers, strict=True):
        if all((folder / name).is_file() for name in names):
            return names, read
    forms = "; ".join(" and ".join(names) for names in (*OTHERS, ("usps.h5",)))
    raise DataAbsent(f"No file of USPS is in {folder}; expected {forms}.")


def ready() -> Ready | None:
    """The official files where they lie in the raw folder: no host gives their SHA-256, so their own is the key."""
    for names in OTHERS:
        paths = [usps.folder / name for name in names]
        if all(path.is_file() for path in paths):
            digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths))
            return Ready(digest.hexdigest(), usps.folder, lambda: build(usps.folder))
    return None


usps = Prepared(
    "usps",
    build,
    FILES,
    source="https://hastie.su.domains/ElemStatLearn/data.html",
    licence="none stated; research use",
    ready=ready,
)
