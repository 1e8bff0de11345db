"""Tables for a terminal."""

import io
import shutil
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from tlx.report.tables import Table


def render(tables: Sequence[Table], width: int | None = None) -> str:
    """The tables, at most `width` columns wide: the terminal's, 120 in a pipe. Needs no colour."""
    width = width or shutil.get_terminal_size((120, 24)).columns
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    for table in tables:
        drawn = Grid(
            title=Text(table.title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1)
        )
        for place, name in enumerate(table.columns):
            drawn.add_column(Text(name), justify="right" if place else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*map(Text, row))
        console.print(drawn if table.columns else Text(table.title))
        for note in table.notes:
            console.print(Text(note))
        console.print()
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()).strip("\n") + "\n"
