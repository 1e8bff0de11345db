"""One table for many tasks, as papers print them: a row for each strategy, a column for each task; and their ranks."""

from collections.abc import Sequence

from tlx.report.cells import Cell
from tlx.report.matrix import Average, matrix
from tlx.report.tables import Table, caption, heading, legend, score_text
from tlx.score.statistics import CriticalDifference


def overview(cells: Sequence[Cell], selection: str) -> Table:
    """The scores of one selection policy: see `tlx.report.matrix`. A task on two backbones has a column for each.

    Where there are two tasks or more, the strategies that are on all have an average and an interquartile mean; and the
    notes tell mean ranks, Friedman's p and Nemenyi's critical difference, or why there are none.

    Raises:
        UnknownName: no result was selected by `selection`.
    """
    made = matrix(cells, selection)
    chosen = [cell for own in made.rows.values() for cell in own.values()]
    columns = ("strategy", *made.headings.values(), *(("average", "IQM") if made.averages else ()))
    rows = [
        (
            name,
            *(score_text(own.get(column)) for column in made.headings),
            *(_average_texts(made.averages.get(name)) if made.averages else ()),
        )
        for name, own in made.rows.items()
    ]
    title = f"selection: {heading(selection, chosen)}"
    notes = list(dict.fromkeys(map(caption, sorted(chosen, key=lambda cell: cell["metric"] is None))))
    if made.averages:
        notes += ["average: over the tasks, ± half of the interval over the seeds of a seed's average"]
        notes += ["IQM: interquartile mean over all tasks and seeds"]
    notes += legend([(title,), *rows]) + made.notes + made.left_out
    notes += _rank_notes(made.ranking, len(made.shared)) if made.ranking else [made.reason]
    return Table(title, columns, rows, notes)


def _average_texts(average: Average | None) -> tuple[str, str]:
    if average is None:
        return "-", "-"
    mean, low, high, iqm = average
    half = "" if low is None or high is None else f" ±{max(mean - low, high - mean):.3f}"
    return f"{mean:.3f}{half}", f"{iqm:.3f}"


def _rank_notes(ranking: CriticalDifference, tasks: int) -> list[str]:
    """Mean ranks over the tasks, and which of them are too near to tell apart."""
    lines = [
        f"mean rank over {tasks} tasks: " + ", ".join(f"{name} {rank:.2f}" for name, rank in ranking.ranks.items())
    ]
    lines.append(f"Friedman p = {ranking.p:.3g}; Nemenyi's critical difference at 0.05: {ranking.cd:.2f}")
    groups = "; ".join(", ".join(group) for group in ranking.groups)
    return [*lines, f"ranks nearer than that, not to be told apart: {groups}"] if groups else lines
