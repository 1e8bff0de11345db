"""A compare table as text: terminal, Markdown, JSON."""

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tlx.counted import counted
from tlx.errors import UnknownName
from tlx.report.tables import NEGATIVE, NOTES, PARTS, SELECTS_BY_LABELS, Table
from tlx.reproduce.literature import read
from tlx.reproduce.table import PaperTable, ProgramTable
from tlx.reproduce.verdicts import Cell

FORMATS = ("terminal", "markdown", "json")


def render(cells: Sequence[Cell], table: PaperTable | ProgramTable, format: str = "terminal") -> str:
    """The text of compare cells: a table for each task, protocol and network, or all cells as JSON.

    Raises:
        UnknownName: no such format.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    if format == "json":
        return json.dumps(list(cells), indent=2) + "\n"
    return importlib.import_module(f"tlx.report.{format}").render(tables(cells, table))


def tables(cells: Sequence[Cell], table: PaperTable | ProgramTable) -> list[Table]:
    """A table for each task, protocol and network; the last has the notes that hold for all."""

    def key(cell: Cell) -> tuple[str, str, str]:
        return cell["task"], cell["protocol"], cell["network"]

    order = list(dict.fromkeys(map(key, cells)))
    groups = [list(group) for _, group in groupby(sorted(cells, key=lambda cell: order.index(key(cell))), key)]
    made = [_table(group) for group in groups]
    if made:
        made[-1] = replace(made[-1], notes=[*made[-1].notes, *_notes(cells, table)])
    return made


def _table(cells: Sequence[Cell]) -> Table:
    head = cells[0]
    policy = f"{head['selection']} {SELECTS_BY_LABELS}" if head["selection"] == "oracle" else head["selection"]
    both = head["selection"] != "last"
    columns = ("strategy", "theirs", "ours: n", policy, *(("last",) if both else ()), "verdict")
    rows = []
    places = max(1, *(len(f"{cell['theirs']:g}".partition(".")[2]) for cell in cells))  # as precise as theirs
    for cell in cells:
        scores = [
            _score(cell, places, "ours", "low", "high"),
            *([_score(cell, places, "last", "last_low", "last_high")] if both else []),
        ]
        short = f" ({cell['budget']})" if cell["budget"] == "short" and cell["n"] and not cell["ablation"] else ""
        name = f"{_name(cell)} {NEGATIVE}" if cell["negative_transfer"] else _name(cell)
        rows.append((name, _theirs(cell), str(cell["n"] or "-"), *scores, cell["outcome"] + short))
    return Table(f"{head['task']} ({head['protocol']}, {head['network']})", columns, rows, _remarks(cells))


def _remarks(cells: Sequence[Cell]) -> list[str]:
    """Why cells were not run or do not compare, each reason once, with the methods that it holds for."""
    names: dict[str, list[str]] = {}
    for cell in cells:
        if cell["why"]:
            names.setdefault(cell["verdict"] if cell["n"] else f"not run: {cell['why']}", []).append(_name(cell))
        if cell["collapsed"]:
            names.setdefault(f"{cell['collapsed']}/{cell['n']} seeds collapsed", []).append(_name(cell))
    return [f"{', '.join(methods)}: {reason}" for reason, methods in names.items()]


def _notes(cells: Sequence[Cell], table: PaperTable | ProgramTable) -> list[str]:
    notes = list(table.notes) if isinstance(table, ProgramTable) else _notes_of_runs(cells, table)
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell["outcome"]] = counts.get(cell["outcome"], 0) + 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    notes.append(f"{counted(len(cells), 'cell')}: {told}")
    devices = sorted({str(cell["device"]) for cell in cells if cell["n"] and cell["device"]})
    hours = sum({cell["hash"]: cell["seconds"] for cell in cells if cell["hash"] and cell["n"]}.values()) / 3600
    return notes + ([f"{hours:.2f} hours of runs on {' and '.join(devices)}"] if devices and hours else [])


def _notes_of_runs(cells: Sequence[Cell], table: PaperTable) -> list[str]:
    head, literature = cells[0], read(table.literature)
    what = "score" if any(cell["metric"] for cell in cells) else "accuracy"
    notes = [
        f"theirs: {literature.paper}, {literature.table}; {what} in percent, ± as printed there",
        f"ours: target test {what} in percent, mean over n seeds ± half of its 95% t-interval",
        f"verdict: by selection {head['selection']}, within "
        f"{' or '.join(f'{value:g}' for value in sorted({cell['tolerance'] for cell in cells}))} points",
    ]
    text = " ".join(cell["selection"] for cell in cells)
    notes += [f"{SELECTS_BY_LABELS} {NOTES[SELECTS_BY_LABELS]}"] if "oracle" in text else []
    return notes + ([f"{NEGATIVE} {NOTES[NEGATIVE]}"] if any(cell["negative_transfer"] for cell in cells) else [])


def _name(cell: Cell) -> str:
    told = [word for word in (cell["variant"], PARTS.get(cell["metric"], cell["metric"].replace("_", " "))) if word]
    return f"{cell['method']} ({', '.join(told)})" if told else cell["method"]


def _theirs(cell: Cell) -> str:
    return f"{cell['theirs']:g}" + (f" ±{cell['theirs_spread']:g}" if cell["theirs_spread"] is not None else "")


def _score(cell: Cell, places: int, mean: str, low: str, high: str) -> str:
    if cell[mean] is None:
        return "-"
    if cell[low] is None:
        return f"{cell[mean]:.{places}f}"
    return f"{cell[mean]:.{places}f} ±{max(cell[mean] - cell[low], cell[high] - cell[mean]):.{places}f}"
