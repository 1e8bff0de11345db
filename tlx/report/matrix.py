"""Strategies by tasks under one selection policy: the scores, averages over the tasks, and ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from tlx.errors import UnknownName
from tlx.report.cells import Cell, mean_and_interval, place
from tlx.report.headings import Column, headings
from tlx.report.tables import row_name
from tlx.score.statistics import CriticalDifference, critical_difference, interquartile_mean

UNRANKED = (
    "no mean ranks and no critical difference: they need three strategies, bounds aside, with a score on each of two "
    "tasks or more"
)
NAMED = 6  # strategies that a note names


class Average(NamedTuple):
    """Over the tasks: the mean, its interval over the seeds, where all tasks have the same ones, and the IQM."""

    mean: float
    low: float | None
    high: float | None
    iqm: float


@dataclass(frozen=True)
class Matrix:
    """The cells of one selection policy by strategy and column; a column is a task under a protocol on a backbone.

    `shared` are the columns that averages and ranks are over: those with a score, and of a task on several backbones
    those of most strategies. `averages` are of the strategies with a score in all of these, where they are two or more,
    and `ranking` is of those without target labels; None where there are too few, and `reason` says so. `notes` tell
    what headings leave out, and `left_out` what averages and ranks do.
    """

    headings: dict[Column, str]
    rows: dict[str, dict[Column, Cell]]
    shared: list[Column]
    averages: dict[str, Average]
    ranking: CriticalDifference | None
    reason: str
    notes: list[str]
    left_out: list[str]


def matrix(cells: Sequence[Cell], selection: str) -> Matrix:
    """The matrix of the cells of one selection policy.

    Raises:
        UnknownName: no result was selected by `selection`.
    """
    known = {cell["selection"] for cell in cells}
    if selection not in known:
        raise UnknownName("selection", selection, known)
    chosen = [cell for cell in cells if cell["selection"] == selection]
    heads, notes, _ = headings(list(dict.fromkeys(map(column_of, chosen))))
    rows: dict[str, dict[Column, Cell]] = {}
    for cell in sorted(chosen, key=place):
        rows.setdefault(row_name(cell), {})[column_of(cell)] = cell
    shared = _shared(rows, list(heads))
    complete = {
        name: [own[column] for column in shared]
        for name, own in rows.items()
        if all(column in own and _counts(own[column]) for column in shared)
    }
    ranked = {name: own for name, own in complete.items() if own and not _is_bound(own)}
    ranking = _ranking(ranked) if len(shared) > 1 else None
    averages = {name: _average(own) for name, own in complete.items()} if len(shared) > 1 else {}
    reason = "" if ranking else f"{UNRANKED}; here {len(ranked)} on {len(shared)}"
    left_out = _left_out(rows, heads, shared, complete)
    return Matrix(heads, rows, shared, averages, ranking, reason, notes, left_out)


def column_of(cell: Cell) -> Column:
    """The column that a cell is in."""
    return cell["task"], cell["protocol"], cell["backbone"]


def _counts(cell: Cell) -> bool:
    return cell["mean"] is not None and not cell["other_data"]


def _is_bound(cells: Sequence[Cell]) -> bool:
    return any("labelled" in cell["sees"] for cell in cells)


def _shared(rows: Mapping[str, Mapping[Column, Cell]], columns: Sequence[Column]) -> list[Column]:
    """The columns with a score; of a task on several backbones those in which most strategies have one."""
    counts = {
        column: sum(column in own and _counts(own[column]) and not _is_bound([own[column]]) for own in rows.values())
        for column in columns
        if any(column in own and _counts(own[column]) for own in rows.values())
    }
    most = {column[:2]: max(count for other, count in counts.items() if other[:2] == column[:2]) for column in counts}
    return [column for column, count in counts.items() if count == most[column[:2]]]


def _average(cells: Sequence[Cell]) -> Average:
    scores = [cell["scores"] for cell in cells]
    iqm = interquartile_mean([score for own in scores for score in own])
    if any(cell["seeds"] != cells[0]["seeds"] for cell in cells):
        return Average(fmean(cell["mean"] for cell in cells), None, None, iqm)
    over_tasks = [fmean(own) for own in zip(*scores, strict=True)]
    return Average(*mean_and_interval(over_tasks, cells[0]["interval"], cells[0]["metric"]), iqm)


def _ranking(cells: Mapping[str, Sequence[Cell]]) -> CriticalDifference | None:
    if len(cells) < 3:
        return None
    return critical_difference({name: [cell["mean"] for cell in own] for name, own in cells.items()})


def _left_out(
    rows: Mapping[str, Mapping[Column, Cell]],
    heads: Mapping[Column, str],
    shared: Sequence[Column],
    complete: Mapping[str, Sequence[Cell]],
) -> list[str]:
    """What averages and ranks leave out, of columns and of strategies."""
    if len(heads) < 2:
        return []
    scored = {column for own in rows.values() for column, cell in own.items() if _counts(cell)}
    columns = [heads[column] for column in heads if column in scored and column not in shared]
    words = [f"not in averages and ranks: {', '.join(columns)}: more strategies are on another backbone"] * bool(
        columns
    )
    names = [name for name in rows if name not in complete]
    told = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return words + (
        [f"neither averaged nor ranked, without a score on all {len(shared)} tasks: {told}"] if names else []
    )
