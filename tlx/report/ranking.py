"""The table of `tlx rank`."""

from collections.abc import Sequence

from tlx.rank.rank import Choice, Ranking


def table(ranking: Ranking) -> str:
    """A Markdown table of the choices, best first, that is aligned as plain text too; below it the correlations."""
    names = list(ranking.choices[0].scores)
    sourced = any(choice.source for choice in ranking.choices)
    obtained = ranking.n > 0
    head = ["mean rank", "backbone", *(["source"] if sourced else []), *names, "s"] + (["accuracy"] if obtained else [])
    rows = [head] + [_row(choice, names, sourced, obtained) for choice in ranking.choices]
    if obtained:
        blank = [""] * (1 + sourced)
        last = ["weighted Kendall", *blank, *(_number(ranking.correlations[name], 2) for name in names), "", ""]
        rows.append(last)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rows.insert(1, ["-" * width for width in widths])
    lines = [f"| {' | '.join(_align(row, widths, 2 + sourced))} |" for row in rows]
    notes = [f"target {ranking.target}, {ranking.protocol}; higher is more transferable; s: seconds, of features too"]
    if obtained:
        notes.append(f"weighted Kendall: of each score with the accuracies obtained, over {ranking.n} choices")
    return "\n".join([*lines, "", *notes])


def _row(choice: Choice, names: Sequence[str], sourced: bool, obtained: bool) -> list[str]:
    seconds = choice.extraction + sum(choice.seconds.values())
    cells = [f"{choice.rank:.2f}", choice.backbone, *([choice.source or ""] if sourced else [])]
    cells += [*(_number(choice.scores[name]) for name in names), f"{seconds:.1f}"]
    return cells + ([_number(choice.accuracy)] if obtained else [])


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _align(row: Sequence[str], widths: Sequence[int], texts: int) -> list[str]:
    pairs = zip(row, widths, strict=True)
    return [cell.ljust(width) if place < texts else cell.rjust(width) for place, (cell, width) in enumerate(pairs)]
