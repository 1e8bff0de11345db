"""Images by a table that names their files, labels, domains and splits."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from tlx import DataError, nearest
from tlx.data import NO_LABEL, Dataset
from tlx.store import Prepared, Ready
from tlx_datasets import image_files, table_rows
from tlx_datasets.folder_files import some
from tlx_datasets.folder_layout import SPLIT
from tlx_datasets.options import parse, size_of, without_classes
from tlx_datasets.table_rows import Row

log = logging.getLogger("tlx")
COLUMNS = ("path", "label", "domain", "split")
OPTIONS = (*COLUMNS, "only", "size", "classes")


class Listed(NamedTuple):
    """The image files of a table's rows, in order, their labels, and the splits that they are in."""

    files: list[Path]
    labels: list[str | None]
    splits: list[str | None]


def load(rest: str) -> Prepared:
    """Images that a CSV, TSV, JSONL or Parquet file lists: `table:data.csv?path=file&label=class`.

    `path`, `label`, `domain` and `split` name columns; by default those of these names, of which only `path` and
    `label` have to be there. Paths are relative to the file's folder. Rows of one domain are `&only=NAME`, so that a
    shift is "table:data.csv?only=a->table:data.csv?only=b". A split is train, test or validation, by the names that
    `folder:` knows; without the column a fifth of each class is test. Without a column of labels `&classes=none` takes
    the images without. `&size=64` takes another size than 224; what a name cannot hold is written as "%2B" ("+").

    Decoding, splitting and caching are those of `folder:`. Parquet needs pyarrow: `pip install 'tlx[parquet]'`.

    Raises:
        DataAbsent: there is no such file, or pyarrow is not installed.
        DataError: an unknown option or column, no row of a domain, several domains without `only`, an empty cell, a
            file that is not there or cannot be decoded, one class.
    """
    name = f"table:{rest}"
    path, options = parse(name, OPTIONS)
    size, bare = size_of(name, options, image_files.SIZE), without_classes(name, options)

    def ready() -> Ready:
        rows = _listed(name, path, options, bare)
        digest = hashlib.sha256(f"{size} {rows.labels} {rows.splits}".encode())
        digest.update(image_files.marks(rows.files, list(map(str, rows.files))))
        return Ready(digest.hexdigest(), path, lambda: build(name, path, rows, size))

    return Prepared(name, lambda _: ready().build(), source=str(path), ready=ready)


def build(name: str, path: Path, rows: Listed, size: int) -> Dataset:
    """The dataset `name` of the rows of a table."""
    classes = sorted({label for label in rows.labels if label is not None}, key=in_order)
    where = f"The table '{path}'"
    if len(classes) == 1:
        raise DataError(f"{where}: its rows have one class, '{classes[0]}'; expected two or more.")
    numbers = {label: place for place, label in enumerate(classes)} | {None: NO_LABEL}
    places = range(len(rows.files))
    named = [place for place in places if rows.splits[place] == "test"]
    parts = [[place for place in places if rows.splits[place] != "test"], named] if named else [list(places)]
    given = []
    for part in parts:
        files = [rows.files[place] for place in part]
        y = [numbers[rows.labels[place]] for place in part]
        given.append((files, y))
    if only := set(given[-1][1]) - set(given[0][1]):
        got = ", ".join(classes[place] for place in sorted(only))
        raise DataError(f"{where}: only its test rows have the classes {got}; expected train rows of each.")
    return image_files.make(name, where, given, classes, size)


def in_order(label: str) -> tuple[bool, int, str]:
    """Numbers by their value, before all else."""
    number = label.isascii() and label.isdecimal() and len(label) < 20
    return not number, int(label) if number else 0, label


def _listed(name: str, path: Path, options: dict[str, str], bare: bool) -> Listed:
    columns, rows = table_rows.read(path)
    where = f"The table '{path}'"
    named = {kind: _column(where, kind, options, columns, bare) for kind in COLUMNS}
    rows = _of_domain(name, where, rows, named["domain"], options)

    def cells(kind: str) -> list[str | None]:
        if (column := named[kind]) is None:
            return [None] * len(rows)
        if empty := [str(number) for number, row in rows if row.get(column) is None]:
            raise DataError(
                f"{where}: '{column}' is empty in {len(empty)} lines: {some(empty)}; expected a text in each."
            )
        return [row[column] for _, row in rows]

    files = [path.parent / str(cell) for cell in cells("path")]
    if absent := [
        f"{file} (line {number})" for file, (number, _) in zip(files, rows, strict=True) if not file.is_file()
    ]:
        raise DataError(f"{where} lists {len(absent)} files that are not there: {some(absent)}.")
    labels = [label and normalize("NFC", label) for label in cells("label")]
    return Listed(files, labels, _splits(where, cells("split")))


def _column(where: str, kind: str, options: dict[str, str], columns: Sequence[str], bare: bool) -> str | None:
    """The column of a kind; None where the table has none and needs none."""
    column = options.get(kind, kind)
    if kind == "label" and bare:
        return None
    if column in columns:
        return column
    if kind not in options and kind in ("domain", "split"):
        return None
    guess = " or ".join(nearest(column, columns))
    hint = f"; nearest: {guess}" if guess else ""
    more = ", or classes=none for images without labels" if kind == "label" else ""
    raise DataError(f"{where} has no column '{column}' ({kind}={column}); it has {', '.join(columns)}{hint}{more}.")


def _of_domain(
    name: str, where: str, rows: list[tuple[int, Row]], column: str | None, options: dict[str, str]
) -> list[tuple[int, Row]]:
    only = options.get("only")
    if column is None:
        if only is not None:
            raise DataError(
                f"{where}: only={only}, and it has no column 'domain'; expected 'domain=COLUMN' in '{name}'."
            )
        return rows
    known = list(dict.fromkeys(row.get(column) or "" for _, row in rows))
    if only is None and len(known) > 1:
        raise DataError(f"{where} has {len(known)} domains in '{column}': {some(known)}; expected only=... of one.")
    if only is not None and only not in known:
        guess = " or ".join(nearest(only, known))
        raise DataError(
            f"{where}: no row has '{only}' in '{column}'; it has {some(known)}{f'; nearest: {guess}' if guess else ''}."
        )
    return [item for item in rows if only is None or item[1].get(column) == only]


def _splits(where: str, told: list[str | None]) -> list[str | None]:
    """Of each row "train" or "test", None without splits. Validation is test where there is no other."""
    if all(name is None for name in told):
        return told
    roles = {name: match.lastgroup if (match := SPLIT.fullmatch(str(name))) else None for name in dict.fromkeys(told)}
    if odd := [str(name) for name, role in roles.items() if role is None]:
        raise DataError(f"{where}: its splits have {some(odd)}; expected train, test or validation.")
    test = "test" if "test" in roles.values() else "valid"
    found = ["test" if roles[name] == test else "train" for name in told]
    if len(set(found)) < 2:
        raise DataError(f"{where}: all its rows are of the split {some(list(roles))}; expected train and test.")
    return list(found)
