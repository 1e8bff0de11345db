"""A folder of photographs, a sub-folder for each class, as Office-31, Office-Home and VisDA lie."""

import hashlib
import logging
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tlx import DataAbsent, DataError
from tlx.data import Arrays, Dataset, fifth, read_image
from tlx.store import Prepared, Ready

log = logging.getLogger("tlx")
SUFFIXES = frozenset(".bmp .gif .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split())
TEST = ("test", "val", "validation")
SIZE = 224
NAME = re.compile(r"(?P<path>.+?)(?:\?size=(?P<size>[1-9][0-9]*))?", re.DOTALL)


class Split(NamedTuple):
    """The images of each class, in order."""

    root: Path
    files: dict[str, list[Path]]


class Rows(NamedTuple):
    """Image files, their labels and origins."""

    files: np.ndarray
    y: np.ndarray
    origin: np.ndarray

    def where(self, mark: np.ndarray) -> "Rows":
        """The rows that are marked."""
        return Rows(*(part[mark] for part in self))


def load(path: str) -> Prepared:
    """A folder of images with a sub-folder for each class, RGB at 224x224: `folder:/data/office/amazon`.

    `folder:PATH?size=64` takes another size. Of each image the short side is scaled to it and the middle cropped. A
    class is named as its folder; classes are in the order of their names. Names that begin with "." are ignored.

    Where PATH holds `train` and `test` (or `val`, or `validation`), each with the classes, these are the splits.
    Elsewhere a fifth of each class is test, at least one image: those with the smallest hash of the file's content,
    which is also a row's origin. So the same file is the same image in every folder, and a file that is in train and
    test is left out of train. VisDA's `train` and `validation` are two domains: name each by its own path.

    It is cached, 150 kB an image at 224x224, and built again when a file's name, size or time changes.

    Raises:
        DataAbsent: there is no such folder.
        DataError: no class or one, a class without an image or with one alone, splits with different classes, a file
            that is no image or cannot be decoded.
    """
    match = NAME.fullmatch(path)
    if match is None:
        raise DataError(f"The dataset name 'folder:{path}'; expected 'folder:PATH' or 'folder:PATH?size=64'.")
    root, size = Path(match["path"]).expanduser(), int(match["size"] or SIZE)
    name = f"folder:{path}"
    return Prepared(name, lambda _: build(name, root, size), source=str(root), ready=lambda: _ready(name, root, size))


def build(name: str, root: Path, size: int = SIZE) -> Dataset:
    """The dataset `name` of the images under a folder."""
    splits = _splits(root)
    classes = tuple(splits[0].files)
    rows = [_rows(split) for split in splits]
    train, test = rows if len(rows) == 2 else _fifth(rows[0])
    kept = ~np.isin(train.origin, test.origin)
    if not kept.all():
        log.warning("Dataset '%s': %d train images are in test too, and left out of train.", name, (~kept).sum())
    return Dataset(name, _decoded(train.where(kept), size), _decoded(test, size), classes)


def _ready(name: str, root: Path, size: int) -> Ready:
    """Keyed by the names, sizes and times of all files: their content would take minutes to hash."""
    digest = hashlib.sha256(f"{size}".encode())
    for split in _splits(root):
        for file in (file for files in split.files.values() for file in files):
            about = file.stat()
            digest.update(f"\0{file.relative_to(root)}\0{about.st_size}\0{about.st_mtime_ns}".encode())
    return Ready(digest.hexdigest(), root, lambda: build(name, root, size))


def _splits(root: Path) -> list[Split]:
    """Train and test where the folder has both, else all of it."""
    if not root.is_dir():
        raise DataAbsent(f"There is no folder '{root}'; expected one with a sub-folder of images for each class.")
    test = next((root / name for name in TEST if (root / name).is_dir()), None)
    if test is None or not (root / "train").is_dir():
        return [_classes(root)]
    splits = [_classes(root / "train"), _classes(test)]
    first, second = (set(split.files) for split in splits)
    if first != second:
        only = [
            f"only '{split.root.name}' has {', '.join(sorted(own - other))}"
            for split, own, other in zip(splits, (first, second), (second, first), strict=True)
            if own - other
        ]
        raise DataError(f"The folder '{root}': its splits have different classes: {'; '.join(only)}.")
    return splits


def _classes(root: Path) -> Split:
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(folders) < 2:
        got = f"one class, '{folders[0].name}'" if folders else "no class"
        raise DataError(f"The folder '{root}' has {got}; expected two or more sub-folders, one for each class.")
    return Split(root, {folder.name: _images(folder) for folder in folders})


def _images(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    shown = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not shown:
        raise DataError(f"The class folder '{folder}' has no image; expected one or more.")
    if other := [path for path in shown if path.suffix.lower() not in SUFFIXES]:
        known = " ".join(sorted(SUFFIXES))
        raise DataError(
            f"The class folder '{folder}' has {len(other)} files that are no images, as '{other[0].name}'; "
            f"expected {known}."
        )
    return shown


def _rows(split: Split) -> Rows:
    files = np.array([file for files in split.files.values() for file in files], object)
    counts = [len(files) for files in split.files.values()]
    with ThreadPoolExecutor() as threads:
        origin = np.array(list(threads.map(_origin, files)))
    return Rows(files, np.repeat(np.arange(len(counts)), counts).astype(np.int32), origin)


def _origin(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return f"sha256/{hashlib.file_digest(stream, 'sha256').hexdigest()[:32]}"
    except OSError as error:
        raise DataError(f"The image {file} cannot be read: {error}") from error


def _fifth(rows: Rows) -> tuple[Rows, Rows]:
    def alone(label: int, row: int) -> str:
        return f"A class has one image, {rows.files[row]}; expected one for train and one for test."

    mark = fifth(rows.y, rows.origin, "folder test", alone)
    return rows.where(~mark), rows.where(mark)


def _decoded(rows: Rows, size: int) -> Arrays:
    """Into a file that has no name, so that a set may be larger than the memory."""
    with tempfile.TemporaryFile() as file:
        x = np.memmap(file, np.uint8, "w+", shape=(len(rows.y), size, size, 3))

    def fill(row: int, file: Path) -> None:
        x[row] = read_image(file, 3, size)

    with ThreadPoolExecutor() as threads:
        list(threads.map(fill, range(len(rows.y)), rows.files))
    return Arrays(x, rows.y, rows.origin)
