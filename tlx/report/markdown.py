"""Tables in Markdown."""

from collections.abc import Sequence

from tlx.report.tables import Table


def render(tables: Sequence[Table]) -> str:
    """The tables, each with a title before and the legend after."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    if not table.columns:
        return "\n".join([f"**{table.title}**", "", *(f"- {note}" for note in table.notes), ""])
    rules = ["---" if not place else "---:" for place in range(len(table.columns))]
    lines = [_line(row) for row in (table.columns, rules, *table.rows)]
    return "\n".join([f"**{table.title}**", "", *lines, "", *(f"- {note}" for note in table.notes), ""])


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(word.replace('|', chr(92) + '|') for word in words)} |"
