"""Tables in Markdown."""

import html
from collections.abc import Sequence

from tlx.report.tables import Table


def render(tables: Sequence[Table]) -> str:
    """The tables, each with a title before and the legend after."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    notes = [f"- {escape(note)}" for note in table.notes]
    if not table.columns:
        return "\n".join([f"**{escape(table.title)}**", "", *notes, ""])
    rules = ["---" if not place else "---:" for place in range(len(table.columns))]
    lines = [_line(row) for row in (table.columns, rules, *table.rows)]
    return "\n".join([f"**{escape(table.title)}**", "", *lines, "", *notes, ""])


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(escape(word).replace('|', chr(92) + '|') for word in words)} |"


def escape(text: str) -> str:
    """A text as Markdown shows it: neither HTML, nor a link or an image."""
    return html.escape(text, quote=False).replace("&gt;", ">").replace("[", "\\[")
