"""A dataset of image files, whatever names them: hashed, split, decoded and without copies between the splits."""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tlx import DataError
from tlx.data import NO_LABEL, Arrays, Dataset, decode_image, fifth
from tlx.data import image_bytes as from_file
from tlx_datasets.folder_files import some

log = logging.getLogger("tlx")
SIZE = 224


Read = Callable[[Any], bytes]
"""What is in an image file, or in whatever stands for one. Raises DataError."""


class Rows(NamedTuple):
    """Image files, their labels and origins."""

    files: np.ndarray
    y: np.ndarray
    origin: np.ndarray

    def where(self, mark: np.ndarray) -> "Rows":
        """The rows that are marked."""
        return Rows(*(part[mark] for part in self))


def make(
    name: str,
    where: str,
    splits: Sequence[tuple[list[Any], list[int]]],
    classes: Sequence[str],
    size: int,
    read: Read = from_file,
) -> Dataset:
    """The dataset `name` of files and their labels: of train and test, or of one split, of which a fifth is test.

    A row's origin is the hash of its file's content. A file that is in train and test is left out of train. Without
    `classes` no row has a label. `where` is what names the files, for messages.

    Raises:
        DataError: no row for train or test, or files that cannot be decoded, all of them named.
    """
    rows = [_rows(*split, read) for split in splits]
    _warn_of_two_classes(name, Rows(*map(np.concatenate, zip(*rows, strict=True))))
    train, test = rows if len(rows) == 2 else _fifth(rows[0], where)
    kept = ~np.isin(train.origin, test.origin)
    if not kept.any():
        raise DataError(f"{where}: no image is left for train, all are in test too; expected one or more that are not.")
    if not kept.all():
        log.warning("Dataset '%s': %d train images are in test too, and left out of train.", name, (~kept).sum())
    if lost := [classes[label] for label in np.setdiff1d(test.y, train.y[kept]) if label != NO_LABEL]:
        log.warning("Dataset '%s': classes with no train image, as of one file (%d): %s.", name, len(lost), some(lost))
    train, test = _decoded(where, (train.where(kept), test), size, read)
    return Dataset(name, train, test, tuple(classes), target_kind="classes" if classes else "none")


def unlabelled(files: list[Path]) -> tuple[list[Path], list[int]]:
    """A split of files without labels, for `make`."""
    return files, [NO_LABEL] * len(files)


def marks(files: Sequence[Path], names: Sequence[str]) -> bytes:
    """What says whether files have changed: their names, sizes and times; hashing their content would take minutes."""
    told = [(name, file.stat()) for name, file in zip(names, files, strict=True)]
    return "".join(f"\0{name}\0{about.st_size}\0{about.st_mtime_ns}" for name, about in told).encode()


def _warn_of_two_classes(name: str, rows: Rows) -> None:
    first: dict[str, int] = {}
    pairs = [(first.setdefault(origin, row), row) for row, origin in enumerate(rows.origin.tolist())]
    if apart := [(one, two) for one, two in pairs if rows.y[one] != rows.y[two]]:
        one, two = (rows.files[row] for row in apart[0])
        message = "Dataset '%s': images that are in another class too (%d), as %s and %s; none is left out for that."
        log.warning(message, name, len(apart), one, two)


def _rows(files: list[Any], y: list[int], read: Read) -> Rows:
    with ThreadPoolExecutor() as threads:
        origin = np.array(list(threads.map(lambda file: _origin(read(file)), files)))
    column = np.empty(len(files), object)
    column[:] = files
    return Rows(column, np.array(y, np.int32), origin)


def _origin(data: bytes) -> str:
    return f"sha256/{hashlib.sha256(data).hexdigest()[:32]}"


def _fifth(rows: Rows, where: str) -> tuple[Rows, Rows]:
    mark = fifth(rows.y, rows.origin, "folder test", where)
    mark |= np.isin(rows.origin, rows.origin[mark])  # an image of two classes stays in both, on one side
    return rows.where(~mark), rows.where(mark)


def _decoded(where: str, parts: tuple[Rows, Rows], size: int, read: Read) -> list[Arrays]:
    """Both splits. Raises DataError, which names all images that cannot be decoded."""
    arrays, wrong = zip(*(_filled(rows, size, read) for rows in parts), strict=True)
    if errors := [error for split in wrong for error in split]:
        total = sum(len(rows.y) for rows in parts)
        raise DataError(
            f"{where}: {len(errors)} of {total} images cannot be read; expected whole images. Mend or "
            f"remove them: {some([str(error).rstrip('.') for error in errors])}."
        )
    return list(arrays)


def _filled(rows: Rows, size: int, read: Read) -> tuple[Arrays, list[DataError]]:
    """Into a file that has no name, so that a set may be larger than the memory."""
    with tempfile.TemporaryFile() as file:
        x = np.memmap(file, np.uint8, "w+", shape=(len(rows.y), size, size, 3))

    def fill(row: int, file: Any) -> DataError | None:
        try:
            x[row] = decode_image(read(file), str(file), 3, size)
        except DataError as error:
            return error

    with ThreadPoolExecutor() as threads:
        errors = [error for error in threads.map(fill, range(len(rows.y)), rows.files) if error]
    return Arrays(x, rows.y, rows.origin), errors
