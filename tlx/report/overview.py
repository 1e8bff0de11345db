"""One table for many tasks, as papers print them: a row for each strategy, a column for each task; and their ranks."""

from collections.abc import Mapping, Sequence

from tlx.errors import ResultError, UnknownName
from tlx.report.cells import Cell, place
from tlx.report.tables import Table, caption, heading, legend, row_name, score_text
from tlx.score.statistics import critical_difference, interquartile_mean


def overview(cells: Sequence[Cell], selection: str) -> Table:
    """The scores of one selection policy. A task under two protocols, or on two backbones, has a column for each.

    Where there are two columns or more, one has the interquartile mean over all scores of a strategy that is in all
    columns; and where there are three such strategies, bounds aside, the notes tell their mean ranks, Friedman's p and
    Nemenyi's critical difference.

    Raises:
        UnknownName: no result was selected by `selection`.
    """
    known = {cell["selection"] for cell in cells}
    if selection not in known:
        raise UnknownName("selection", selection, known)
    chosen = [cell for cell in cells if cell["selection"] == selection]
    columns: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in chosen:
        columns.setdefault((cell["task"], cell["protocol"], cell["backbone"]), []).append(cell)
    names = dict.fromkeys(row_name(cell) for cell in sorted(chosen, key=place))
    texts = [column(group) for group in columns.values()]
    heads = [f"{task} ({protocol}, {backbone})" for task, protocol, backbone in columns]
    complete = _complete([group for group in columns.values() if any(cell["mean"] is not None for cell in group)])
    notes = list(dict.fromkeys(map(caption, sorted(chosen, key=lambda cell: cell["metric"] is None))))
    if any(len(own) > 1 for own in complete.values()):
        heads.append("IQM")
        means = {name: interquartile_mean([s for c in group for s in c["scores"]]) for name, group in complete.items()}
        texts.append({name: f"{mean:.3f}" for name, mean in means.items()})
        notes.append("IQM: interquartile mean over all tasks and seeds")
    rows = [(name, *(text.get(name, "-") for text in texts)) for name in names]
    title = f"selection: {heading(selection, chosen)}"
    return Table(title, ("strategy", *heads), rows, notes + legend([(title,), *rows]) + _rank_notes(complete))


def _complete(columns: Sequence[Sequence[Cell]]) -> dict[str, list[Cell]]:
    """By strategy, its cells in all columns; without strategies that lack a score in one."""
    by_name: dict[str, list[Cell]] = {}
    for cells in columns:
        for cell in cells:
            if cell["mean"] is not None and not cell["other_data"]:
                by_name.setdefault(row_name(cell), []).append(cell)
    return {name: cells for name, cells in by_name.items() if len(cells) == len(columns)}


def _rank_notes(complete: Mapping[str, Sequence[Cell]]) -> list[str]:
    """Mean ranks over the tasks, and which of them are too near to tell apart."""
    scores = {
        name: [cell["mean"] for cell in cells]
        for name, cells in complete.items()
        if not any("labelled" in cell["sees"] for cell in cells)
    }
    tasks = max(map(len, scores.values()), default=0)
    if len(scores) < 3 or tasks < 2:
        return []
    ranking = critical_difference(scores)
    lines = [
        f"mean rank over {tasks} tasks: " + ", ".join(f"{name} {rank:.2f}" for name, rank in ranking.ranks.items())
    ]
    lines.append(f"Friedman p = {ranking.p:.3g}; Nemenyi's critical difference at 0.05: {ranking.cd:.2f}")
    groups = "; ".join(", ".join(group) for group in ranking.groups)
    return [*lines, f"ranks nearer than that, not to be told apart: {groups}"] if groups else lines


def column(cells: Sequence[Cell]) -> dict[str, str]:
    """The scores of one column by strategy.

    Raises:
        ResultError: the cells are of more than one task, protocol, backbone or selection: no column may mix them.
    """
    for key in ("task", "protocol", "backbone", "selection"):
        if len(values := sorted({cell[key] for cell in cells})) > 1:
            raise ResultError(f"One column cannot hold scores of different {key}s: {', '.join(values)}.")
    return {row_name(cell): score_text(cell) for cell in cells}
