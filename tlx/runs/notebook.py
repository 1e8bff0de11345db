"""Tables as a notebook shows them."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlx.score import interval

if TYPE_CHECKING:
    from tlx.runs.result import Result


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """A table in HTML, with a caption before and notes after."""

    def line(tag: str, words: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(word)}</{tag}>' for word in words)}</tr>"

    head = f"<caption>{html.escape(title)}</caption><thead>{line('th', columns)}</thead>"
    body = "".join(line("td", row) for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table><p>{'<br>'.join(map(html.escape, notes))}</p>"


def one_result(result: "Result") -> str:
    """The HTML table of one result: a row for each selection policy, a column for each seed."""
    spec = result.spec
    title = f"{spec.label} ({spec.protocol}, {spec.backbone}): {result.status}"
    seeds = [f"seed {seed}" for seed in spec.seeds]
    rows = []
    for name, selection in result.selections.items() if result.metric else ():
        values = result.accuracy(name)
        mean, low, high = interval(values, low=float("-inf") if result.metric == "r2" else 0.0)
        half = "" if low is None or high is None else f" ±{max(mean - low, high - mean):.3f}"
        sign = " ‡" if selection.uses_target_labels else ""
        rows.append([f"{name}{sign}", f"{mean:.3f}{half}", *(f"{value:.3f}" for value in values)])
    notes = (
        [f"target test {result.metric}: mean ± half of its 95% t-interval"] if rows else [result.error or "no score"]
    )
    return html_table(title, ["selection", "mean", *seeds], rows, [*notes, spec.command])
