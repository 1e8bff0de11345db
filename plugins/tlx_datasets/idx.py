"""IDX files, the format of MNIST and of the sets made in its image."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tlx import DataError
from tlx.data import Arrays, Dataset
from tlx.store import File
from tlx_datasets.rows import by_content

IMAGES, LABELS = 2051, 2049  # magic numbers: unsigned bytes in three dimensions and in one


def decode(data: bytes, magic: int, where: str) -> np.ndarray:
    """The array of an IDX file's bytes. Raises DataError where the header or the length is wrong."""
    dimensions = magic % 256
    head = 4 * (dimensions + 1)
    if len(data) < head or int.from_bytes(data[:4]) != magic:
        raise DataError(f"{where}: it begins with {data[:4].hex() or 'nothing'}; expected the IDX header {magic:08x}.")
    shape = tuple(int.from_bytes(data[4 * place : 4 * place + 4]) for place in range(1, dimensions + 1))
    if len(data) - head != np.prod(shape, dtype=np.int64):
        raise DataError(f"{where}: {len(data) - head} bytes of data; expected {shape} of one byte each.")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def read(path: Path, magic: int) -> np.ndarray:
    """The array of a gzipped IDX file. Raises DataError, which names the file, where it is damaged."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole gzip file: {error}") from error
    return decode(data, magic, str(path))


def files(hosts: tuple[str, ...], known: tuple[tuple[str, int], ...]) -> tuple[File, ...]:
    """The four files of a set: `known` has SHA-256 and size of train images and labels, test images and labels."""
    names = [f"{split}-{part}-ubyte.gz" for split in ("train", "t10k") for part in ("images-idx3", "labels-idx1")]
    return tuple(
        File(name, sha256, tuple(f"{host}/{name}" for host in hosts), size)
        for name, (sha256, size) in zip(names, known, strict=True)
    )


def builder(
    name: str, classes: tuple[str, ...], rows: Callable[[str, str, np.ndarray, np.ndarray], Arrays] = by_content
) -> Callable[[Path], Dataset]:
    """The function that makes the Dataset from a folder with the four files, its rows in the order of `rows`."""

    def build(folder: Path) -> Dataset:
        parts = []
        for split, start in (("train", "train"), ("test", "t10k")):
            x = read(folder / f"{start}-images-idx3-ubyte.gz", IMAGES)[..., None]
            y = read(folder / f"{start}-labels-idx1-ubyte.gz", LABELS)
            parts.append(rows(name, split, x, y))
        return Dataset(name, parts[0], parts[1], classes)

    return build
