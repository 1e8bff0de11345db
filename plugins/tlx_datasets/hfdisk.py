"""Images of a Hugging Face dataset that lies on this machine."""

import hashlib
import logging
from pathlib import Path
from typing import Any, NamedTuple

from tlx import DataAbsent, DataError, nearest
from tlx.data import NO_LABEL, Dataset
from tlx.store import Prepared, Ready
from tlx_datasets import image_files
from tlx_datasets.folder_files import some
from tlx_datasets.folder_layout import SPLIT
from tlx_datasets.options import parse, size_of, without_classes
from tlx_datasets.table import in_order

log = logging.getLogger("tlx")
OPTIONS = ("image", "label", "size", "classes")


class Cell(NamedTuple):
    """The image of one row, whose bytes are read when they are needed."""

    rows: Any
    column: str
    place: int
    where: str

    def read(self) -> bytes:
        """The bytes as they were stored."""
        cell = self.rows[self.place][self.column] or {}
        if cell.get("bytes") is None and cell.get("path"):
            return image_files.from_file(Path(cell["path"]))
        return cell.get("bytes") or b""

    def __str__(self) -> str:
        return f"{self.where}, row {self.place}"


def load(rest: str) -> Prepared:
    """Images of what `save_to_disk` of Hugging Face's datasets has written: `hfdisk:PATH?image=img&label=fine_label`.

    `image` and `label` name columns; by default the one column of images, and the one of class labels. Splits are known
    by their names as those of `folder:` are; of one split a fifth of each class is test. `&classes=none` takes the
    images without labels, `&size=64` another size than 224. Decoding, splitting and caching are those of `folder:`.

    It needs the package datasets: `pip install 'tlx[huggingface]'`. Nothing is downloaded, and no code of the dataset
    is run.

    Raises:
        DataAbsent: there is no such dataset, or the package is not installed.
        DataError: an unknown option or column, no column of the kind or several, a label that is empty or of test rows
            alone, splits without train or test, images that cannot be decoded.
    """
    name = f"hfdisk:{rest}"
    path, options = parse(name, OPTIONS)
    size, bare = size_of(name, options, image_files.SIZE), without_classes(name, options)

    def ready() -> Ready:
        if not any((path / file).is_file() for file in ("dataset_dict.json", "state.json")):
            raise DataAbsent(f"There is no dataset '{path}'; expected a folder that `save_to_disk` has written.")
        files = sorted(file for file in path.rglob("*") if file.is_file())
        digest = hashlib.sha256(f"{size} {sorted(options.items())}".encode())
        digest.update(image_files.marks(files, [str(file.relative_to(path)) for file in files]))
        return Ready(digest.hexdigest(), path, lambda: build(name, path, options, size, bare))

    return Prepared(name, lambda _: ready().build(), source=str(path), ready=ready)


def build(name: str, path: Path, options: dict[str, str], size: int, bare: bool) -> Dataset:
    """The dataset `name` of the rows of a Hugging Face dataset."""
    where = f"The dataset '{path}'"
    parts = _splits(where, _opened(path))
    features = parts[0][1].features
    image = _column(where, "image", "Image", options, features)
    label = None if bare else _column(where, "label", "ClassLabel", options, features)
    classes, labels = _labels(where, label, parts)
    given = []
    for (split, rows), y in zip(parts, labels, strict=True):
        undecoded = rows.cast_column(image, type(features[image])(decode=False)).select_columns([image])
        given.append(([Cell(undecoded, image, place, f"{path}, {split}") for place in range(len(rows))], y))
    if only := set(given[-1][1]) - set(given[0][1]):
        got = ", ".join(classes[number] for number in sorted(only))
        raise DataError(f"{where}: only its test rows have the classes {got}; expected train rows of each.")
    return image_files.make(name, where, given, classes, size, read=Cell.read)


def _opened(path: Path) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DataAbsent(f"The dataset '{path}' needs the package datasets: pip install 'tlx[huggingface]'.") from error
    try:
        return datasets.load_from_disk(str(path))
    except Exception as error:  # of the system, of JSON or of Arrow, which raises what it likes
        raise DataError(f"The dataset '{path}' cannot be read: {error}") from error


def _splits(where: str, opened: Any) -> list[tuple[str, Any]]:
    """Names and rows of train and test, or of the one split."""
    if not isinstance(opened, dict):
        return [("rows", opened)]
    if len(opened) == 1:
        return list(opened.items())
    named = {match.lastgroup: (split, rows) for split, rows in opened.items() if (match := SPLIT.fullmatch(split))}
    test = named.get("test") or named.get("valid")
    if "train" not in named or test is None:
        raise DataError(f"{where} has the splits {some(list(opened))}; expected train, and test or validation.")
    if left := [split for split in opened if split not in (named["train"][0], test[0])]:
        log.warning("%s: not taken are its splits %s.", where, some(left))
    return [named["train"], test]


def _column(where: str, option: str, kind: str, options: dict[str, str], features: Any) -> str:
    of_kind = [name for name, feature in features.items() if type(feature).__name__ == kind]
    if (name := options.get(option)) is not None:
        if name not in features or (option == "image" and name not in of_kind):
            guess = " or ".join(nearest(name, features))
            hint = f"; nearest: {guess}" if guess else ""
            raise DataError(f"{where} has no {option} column '{name}'; it has {', '.join(features)}{hint}.")
        return name
    if len(of_kind) != 1:
        got = f"as columns of {option}s: {', '.join(of_kind) or 'none'}, of {', '.join(features)}"
        hint = ", or classes=none for images without labels" if option == "label" else ""
        raise DataError(f"{where} has {got}; expected one, or '{option}=COLUMN' in its name{hint}.")
    return of_kind[0]


def _labels(where: str, column: str | None, parts: list[tuple[str, Any]]) -> tuple[list[str], list[list[int]]]:
    """The classes, and of each split the number of each row's class."""
    if column is None:
        return [], [[NO_LABEL] * len(rows) for _, rows in parts]
    cells = [list(rows[column]) for _, rows in parts]
    names = getattr(parts[0][1].features[column], "names", None)
    if empty := [f"{split}, row {row}" for (split, _), values in zip(parts, cells, strict=True)
                 for row, value in enumerate(values) if value is None or (names and value == -1)]:  # fmt: skip
        raise DataError(f"{where}: '{column}' is empty in {len(empty)} rows: {some(empty)}; expected a label in each.")
    if names:
        return list(names), cells
    classes = sorted({str(value) for values in cells for value in values}, key=in_order)
    numbers = {name: number for number, name in enumerate(classes)}
    return classes, [[numbers[str(value)] for value in values] for values in cells]
