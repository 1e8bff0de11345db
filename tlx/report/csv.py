"""Cells as comma-separated values."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from tlx.printable import no_formula, printable
from tlx.report.cells import Cell


def render(cells: Sequence[Cell]) -> str:
    """A line for each cell; lists and dicts are written as JSON, what is missing as nothing.

    A text that a spreadsheet would take for a formula has "'" before it.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(cells[0]) if cells else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _text(value) for key, value in cell.items()} for cell in cells)
    return file.getvalue()


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return no_formula(printable(value))
    return json.dumps(value) if isinstance(value, list | dict | bool) else value
