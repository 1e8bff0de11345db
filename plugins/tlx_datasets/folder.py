"""A folder of photographs, a sub-folder for each class, as Office-31, Office-Home and VisDA lie."""

import hashlib
import logging
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tlx import DataError
from tlx.data import Arrays, Dataset, fifth, read_image
from tlx.store import Prepared, Ready
from tlx_datasets.folder_files import some
from tlx_datasets.folder_layout import Split, splits

log = logging.getLogger("tlx")
SIZE = 224
NAME = re.compile(r"(?P<path>.+?)(?:\?size=(?P<size>[1-9][0-9]*))?", re.DOTALL)


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
    class is named as its folder; classes are in the order of their names. Linked folders are followed. Names that begin
    with ".", what systems leave (`Thumbs.db`, `__MACOSX`) and notes (.csv, .txt, .json, .md) are skipped and counted.

    Where PATH holds `train` and `test`, each with the classes, these are the splits; `valid` is the test split where
    there is no other, else it joins train. `Training`, `test_set`, `seg_train`, `val`, `dev`, `eval` are known too.
    Elsewhere a fifth of each class is test, at least one image: those with the smallest hash of the file's content,
    which is also a row's origin. So the same file is the same image in every folder, and a file that is in train and
    test is left out of train. VisDA's `train` and `validation` are two domains: name each by its own path.

    It is cached, 150 kB an image at 224x224, and built again when a file's name, size or time changes.

    Raises:
        DataAbsent: there is no such folder.
        DataError: no class or one, a class without an image or with one alone, splits with different classes or
            without train or test, several domains, files that are no images or cannot be decoded.
    """
    match = NAME.fullmatch(path)
    if match is None:
        raise DataError(f"The dataset name 'folder:{path}'; expected 'folder:PATH' or 'folder:PATH?size=64'.")
    root, size = Path(match["path"]).expanduser(), int(match["size"] or SIZE)
    name = f"folder:{path}"
    return Prepared(
        name,
        lambda _: build(name, root, size),
        source=str(root),
        ready=lambda: _ready(name, root, size),
        shape=(size, size, 3),
    )


def build(name: str, root: Path, size: int = SIZE) -> Dataset:
    """The dataset `name` of the images under a folder."""
    parts = splits(root)
    _tell(name, parts)
    rows = [_rows(split) for split in parts]
    _warn_of_two_classes(name, Rows(*map(np.concatenate, zip(*rows, strict=True))))
    train, test = rows if len(rows) == 2 else _fifth(rows[0])
    kept = ~np.isin(train.origin, test.origin)
    if not kept.all():
        log.warning("Dataset '%s': %d train images are in test too, and left out of train.", name, (~kept).sum())
    train, test = _decoded(root, (train.where(kept), test), size)
    return Dataset(name, train, test, tuple(parts[0].files))


def _tell(name: str, parts: list[Split]) -> None:
    if skipped := [path for split in parts for path in split.skipped]:
        log.warning("Dataset '%s': skipped, as no images (%d): %s.", name, len(skipped), some(skipped))
    if len(parts) == 2:
        log.info("Dataset '%s': train is %s, test is %s.", name, *(split.name for split in parts))


def _warn_of_two_classes(name: str, rows: Rows) -> None:
    first: dict[str, int] = {}
    pairs = [(first.setdefault(origin, row), row) for row, origin in enumerate(rows.origin.tolist())]
    if apart := [(one, two) for one, two in pairs if rows.y[one] != rows.y[two]]:
        one, two = (rows.files[row] for row in apart[0])
        message = "Dataset '%s': images that are in another class too (%d), as %s and %s; none is left out for that."
        log.warning(message, name, len(apart), one, two)


def _ready(name: str, root: Path, size: int) -> Ready:
    """Keyed by the names, sizes and times of all files: their content would take minutes to hash."""
    digest = hashlib.sha256(f"{size}".encode())
    parts = splits(root)
    for split in parts:
        if len(parts) == 2:  # the same files as classes are another set
            digest.update(f"\0\0{split.name}".encode())
        for file in (file for files in split.files.values() for file in files):
            about = file.stat()
            digest.update(f"\0{file.relative_to(root)}\0{about.st_size}\0{about.st_mtime_ns}".encode())
    return Ready(digest.hexdigest(), root, lambda: build(name, root, size))


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
    mark |= np.isin(rows.origin, rows.origin[mark])  # an image of two classes stays in both, on one side
    return rows.where(~mark), rows.where(mark)


def _decoded(root: Path, parts: tuple[Rows, Rows], size: int) -> list[Arrays]:
    """Both splits. Raises DataError, which names all images that cannot be decoded."""
    arrays, wrong = zip(*(_filled(rows, size) for rows in parts), strict=True)
    if errors := [error for split in wrong for error in split]:
        total = sum(len(rows.y) for rows in parts)
        raise DataError(
            f"The folder '{root}': {len(errors)} of {total} images cannot be read; expected whole images. Mend or "
            f"remove them: {some([str(error).rstrip('.') for error in errors])}."
        )
    return list(arrays)


def _filled(rows: Rows, size: int) -> tuple[Arrays, list[DataError]]:
    """Into a file that has no name, so that a set may be larger than the memory."""
    with tempfile.TemporaryFile() as file:
        x = np.memmap(file, np.uint8, "w+", shape=(len(rows.y), size, size, 3))

    def fill(row: int, file: Path) -> DataError | None:
        try:
            x[row] = read_image(file, 3, size)
        except DataError as error:
            return error

    with ThreadPoolExecutor() as threads:
        errors = [error for error in threads.map(fill, range(len(rows.y)), rows.files) if error]
    return Arrays(x, rows.y, rows.origin), errors
