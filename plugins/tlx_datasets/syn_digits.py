"""SynDigits, synthetic numbers in many fonts and colours: 32x32 RGB, 479,400 train and 9,553 test rows.

Reference: Ganin, Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015.
"""

import hashlib
from pathlib import Path

import numpy as np

from tlx import DataAbsent, DataError
from tlx.data import Arrays, Dataset
from tlx.store import Prepared, Ready

DIGITS = tuple("0123456789")
MEMBERS = {"train": "synth_train_32x32.mat", "test": "synth_test_32x32.mat"}
SOURCE = "SynthDigits.zip, by its author: http://yaroslav.ganin.net (Google Drive 0B9Z4d7lAwbnTSVR1dEFSRUFxOUU)"


def build(folder: Path) -> Dataset:
    """SynDigits from synth_train_32x32.mat and synth_test_32x32.mat in a folder, files of SVHN's format.

    No stable host offers them and no SHA-256 is published, so they are taken as they lie, and their own hash is the key
    of the cache. `font_digits` is a stand-in that can be made anywhere.

    Raises:
        DataAbsent: the files are not there; the message says where to put them.
        DataError: a file is damaged.
    """
    if missing := [name for name in MEMBERS.values() if not (folder / name).is_file()]:
        raise DataAbsent(
            f"The dataset 'syn_digits' needs {' and '.join(missing)} in {folder}, and no stable host offers them. "
            f"By hand: unpack {SOURCE} there. The dataset 'font_digits' is made here instead."
        )
    train, test = (read(folder / name, split) for split, name in MEMBERS.items())
    return Dataset("syn_digits", train, test, DIGITS)


def read(path: Path, split: str) -> Arrays:
    """One split: `X` uint8 [32, 32, 3, N] and `y`, in which 10 stands for 0 where it is used."""
    from scipy.io import loadmat

    try:
        held = loadmat(path, variable_names=("X", "y"))
        x, y = np.ascontiguousarray(np.moveaxis(held["X"], 3, 0)), held["y"].ravel().astype(np.int32) % 10
    except Exception as error:  # scipy's reader has errors of many kinds for a damaged file
        raise DataError(f"{path}: not a whole .mat file of SynDigits: {type(error).__name__}: {error}") from error
    return Arrays(x, y, np.array([f"syn_digits/{split}/{row:06d}" for row in range(len(y))]))


def _ready() -> Ready | None:
    folder, digest = syn_digits.folder, hashlib.sha256()
    for name in MEMBERS.values():
        if not (folder / name).is_file():
            return None
        about = (folder / name).stat()
        digest.update(f"{name} {about.st_size} {about.st_mtime_ns}".encode())
    return Ready(digest.hexdigest(), folder, lambda: build(folder))


syn_digits = Prepared("syn_digits", build, source=SOURCE, licence="research use", ready=_ready)
