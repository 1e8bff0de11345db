"""The rows of a table, in CSV, TSV, JSON lines or Parquet: each a dict of texts, None where a cell is empty."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tlx import DataAbsent, DataError

Row = dict[str, str | None]


def read(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """The columns of a table, and its rows with the number of their line in the file (in Parquet: of the row).

    Raises:
        DataAbsent: there is no such file, or it is Parquet and pyarrow is not installed.
        DataError: another suffix, no rows, a row of more or fewer cells than columns, a line that is no JSON object.
    """
    if not path.exists():
        raise DataAbsent(f"There is no table '{path}'; expected a file named {', '.join(READERS)}.")
    reader = READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        raise DataError(f"The table '{path}' is no file of a kind that is read; expected {', '.join(READERS)}.")
    try:
        rows = list(reader(path))
    except (DataError, DataAbsent):
        raise
    except Exception as error:  # of the system, of Unicode, of csv or of Arrow, which raises what it likes
        raise DataError(f"The table '{path}' cannot be read: {error}") from error
    if not rows:
        raise DataError(f"The table '{path}' has no row; expected one or more.")
    return list(dict.fromkeys(key for _, row in rows for key in row)), rows


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
        head = [name.strip() for name in next(lines, [])]
        if len(set(head)) < len(head) or "" in head:
            raise DataError(f"The table '{path}' has the columns {head}; expected different names in its first line.")
        for cells in lines:
            if not cells:  # an empty line
                continue
            if len(cells) != len(head):
                got = f"line {lines.line_num} has {len(cells)} cells"
                raise DataError(f"The table '{path}': {got}; expected {len(head)}, as many as columns.")
            yield lines.line_num, {key: cell.strip() or None for key, cell in zip(head, cells, strict=True)}


def _json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise DataError(f"The table '{path}': line {number} is {line.strip()!r:.60}; expected a JSON object.")
            yield number, {key: _text(value) for key, value in row.items()}


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise DataAbsent(
            f"The table '{path}' needs pyarrow: pip install 'tlx[parquet]'; or write it as CSV."
        ) from error
    for number, row in enumerate(parquet.read_table(path).to_pylist(), 1):
        yield number, {key: _text(value) for key, value in row.items()}


def _text(value: Any) -> str | None:
    """A cell as CSV has it: a whole number that is stored as a float is the same label."""
    if value is None or value == "" or value != value:  # NaN, which stands for nothing in frames
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


READERS: dict[str, Callable[[Path], Iterator[tuple[int, Row]]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
