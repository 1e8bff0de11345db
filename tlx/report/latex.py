"""Tables in LaTeX, with the rules of booktabs."""

from collections.abc import Sequence

from tlx.report.tables import Table

# a backslash first: what the others become holds some
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "±": r"$\pm$", "†": r"$\dagger$", "‡": r"$\ddagger$",
    "▼": r"$\downarrow$", "★": r"$\star$", "τ": r"$\tau$", "≠": r"$\neq$",
}  # fmt: skip


def render(tables: Sequence[Table]) -> str:
    """The tables, each a `table` with its legend under it; the document needs `\\usepackage{booktabs}`."""
    if not tables:
        return ""
    return "\n".join(["% needs \\usepackage{booktabs}", *map(_table, tables), ""])


def _table(table: Table) -> str:
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{escape(table.title)}}}"]
    if table.columns:
        lines += [rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}", r"\toprule", _line(table.columns)]
        lines += [r"\midrule", *map(_line, table.rows), r"\bottomrule", r"\end{tabular}"]
    lines += [r"\par\smallskip", r"{\footnotesize " + r" \\ ".join(map(escape, table.notes)) + r"\par}"]
    return "\n".join([*lines, r"\end{table}"])


def _line(words: Sequence[str]) -> str:
    return f"{' & '.join(map(escape, words))} \\\\"


def escape(text: str) -> str:
    """A text as LaTeX prints it: "->" is an arrow; what is not ASCII and has no command is named by its code point."""
    return r"$\to$".join("".join(map(_sign, part)) for part in text.split("->"))


def _sign(character: str) -> str:
    return SIGNS.get(character) or (character if character.isascii() else f"[U+{ord(character):04X}]")
