"""Handwritten digits of EMNIST: 28x28 grey, 240,000 train and 40,000 test rows, balanced, upright.

From NIST's Special Database 19, of which MNIST is a part too: do not take the two for different writers. The
publisher's images are transposed (and so are those of `tfds:emnist/digits`); these are turned back.

Reference: Cohen, Afshar, Tapson, van Schaik, "EMNIST: extending MNIST to handwritten letters", IJCNN 2017.
"""

import gzip
import zipfile
import zlib
from pathlib import Path

from tlx import DataError
from tlx.data import Dataset
from tlx.store import File, Prepared
from tlx_datasets import idx, tfds
from tlx_datasets.rows import by_content

DIGITS = tuple("0123456789")
ARCHIVE = "gzip.zip"
FILES = (
    File(
        ARCHIVE,
        "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
        561753746,
    ),
)


def build(folder: Path) -> Dataset:
    """The dataset from the archive in `folder`. Raises DataError where it is damaged."""
    parts = []
    for split in ("train", "test"):
        x = _member(folder / ARCHIVE, f"gzip/emnist-digits-{split}-images-idx3-ubyte.gz", idx.IMAGES)
        y = _member(folder / ARCHIVE, f"gzip/emnist-digits-{split}-labels-idx1-ubyte.gz", idx.LABELS)
        parts.append(by_content("emnist_digits", split, x.swapaxes(1, 2)[..., None], y))
    return Dataset("emnist_digits", parts[0], parts[1], DIGITS)


def _member(archive: Path, name: str, magic: int):
    try:
        with zipfile.ZipFile(archive) as opened:
            data = gzip.decompress(opened.read(name))
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{archive}: {name} cannot be read: {error}") from error
    return idx.decode(data, magic, f"{archive}: {name}")


emnist_digits = Prepared(
    "emnist_digits",
    build,
    FILES,
    source="NIST: https://www.nist.gov/itl/products-and-services/emnist-dataset",
    licence="public domain (NIST Special Database 19)",
    ready=lambda: tfds.ready("emnist/digits", "emnist_digits", upright=False),
)
