"""Cells as JSON."""

import json
from collections.abc import Sequence

from tlx.report.cells import Cell


def render(cells: Sequence[Cell]) -> str:
    """A list of objects, one for each cell."""
    return json.dumps(list(cells), indent=2) + "\n"
