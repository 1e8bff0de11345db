"""Tables of text from cells: one for each task, protocol and backbone. How they look is up to the formats."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tlx.errors import ResultError
from tlx.printable import printable
from tlx.report.cells import Cell

SHOWN = ("last", "source-val", "oracle")  # of the selection policies; more do not fit, and have a table of their own
TRAINS_ON_LABELS, SELECTS_BY_LABELS, NEGATIVE, BEST, WRONG, OTHER_DATA = "†", "‡", "▼", "★", "!", "≠"
UNSCORED = "–"
CLASSES = 10  # that a note names
NOTES = {
    TRAINS_ON_LABELS: "sees labels of target train images",
    SELECTS_BY_LABELS: "selected by the labels of target test images: an upper bound",
    NEGATIVE: "below source_only (negative transfer)",
    OTHER_DATA: "of other data than the rest of its task: neither a gain nor a best; run it again",
    BEST: "best: its interval lies above those of all others, bounds aside",
}
METRICS = {"accuracy": "accuracy", "r2": "R^2", "hos": "H-score", "cluster": "cluster accuracy"}
PARTS = {
    "os": "OS", "known": "OS*", "unknown": "UNK", "all": "ALL", "oscr": "OSCR", "auroc": "AUROC", "rmse": "rmse",
    "mae": "mae", "old": "old classes", "new": "new classes",
}  # fmt: skip
NAMES = {"t": "t-interval", "bootstrap": "bootstrap interval"}


@dataclass(frozen=True)
class Table:
    """A title, columns, rows of as many texts; `notes` explain the signs that occur, and say what went wrong.

    Of a task whose data were not on the machine there is a note, and no column. Texts come from files of results:
    what steers a terminal is escaped.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: list[str]

    def __post_init__(self):
        clean = {
            "title": printable(self.title),
            "columns": tuple(map(printable, self.columns)),
            "rows": [tuple(map(printable, row)) for row in self.rows],
            "notes": list(map(printable, self.notes)),
        }
        for key, value in clean.items():
            object.__setattr__(self, key, value)


def tables(cells: Sequence[Cell]) -> list[Table]:
    """The tables of a report. Scores under two protocols are never in one table."""

    def key(cell: Cell) -> tuple[str, str, str]:
        return cell["task"], cell["protocol"], cell["backbone"]

    return [table(list(group)) for _, group in groupby(sorted(cells, key=key), key)]


def table(cells: Sequence[Cell]) -> Table:
    """The table of one task: a row for each run, the gain, a column for each selection policy of `SHOWN`, or for all.

    Raises:
        ResultError: the cells are of more than one task, protocol or backbone, whose scores cannot be compared.
    """
    for key in ("task", "protocol", "backbone"):
        if len(values := sorted({cell[key] for cell in cells})) > 1:
            raise ResultError(f"One table cannot compare scores of different {key}s: {', '.join(values)}.")
    head = cells[0]
    title = f"{head['task']} ({head['protocol']}, {head['backbone']})"
    if all(cell["status"] == "absent" for cell in cells):
        return Table(title, (), [], list(dict.fromkeys(_why(cell) for cell in cells)))
    every = {cell["selection"] for cell in cells}
    policies = sorted(every.intersection(SHOWN) or every, key=lambda name: rank(name, cells))
    cells = [cell for cell in cells if cell["selection"] in policies]
    runs: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        runs.setdefault(cell["hash"], {})[cell["selection"]] = cell

    tested = any(cell["p_t"] is not None or cell["p_wilcoxon"] is not None for cell in cells)
    tests = ("p (t)", "p (Wilcoxon)") if tested else ()
    uneven = any(cell["unbalanced"] for cell in cells)
    columns = ("strategy", "n", *(heading(name, cells) for name in policies), *(["per class"] if uneven else []))
    columns = (*columns, "gain", *tests, "s")
    rows, remarks = [], []
    for run in runs.values():
        cell, remark = next(iter(run.values())), _remark(run)
        name = row_name(cell)
        remarks += [f"{WRONG} {name}: {remark}"] if remark else []
        means = (score_text(run.get(policy)) for policy in policies)
        first = run.get(policies[0])
        chances = (_chance(first, "p_t"), _chance(first, "p_wilcoxon")) if tested else ()
        mean = (
            ()
            if not uneven
            else ("-" if not first or first["mean_per_class"] is None else f"{first['mean_per_class']:.3f}",)
        )
        last = (*mean, _gain(first), *chances, f"{cell['seconds']:.1f}")
        rows.append((f"{name} {WRONG}" if remark else name, str(cell["n"]), *means, *last))

    notes = [caption(ran := next((cell for cell in cells if cell["status"] == "finished"), head), "n")]
    notes[0] += f"; gain over {head['baseline']} at {policies[0]}" if ran["metric"] else ""
    notes += [f"p: paired tests against {head['baseline']} on the shared seeds, two-sided"] if tested else []
    notes += [_rows_note(next(cell for cell in cells if cell["unbalanced"]), policies[0])] if uneven else []
    notes += _space_note(head) + _part_notes(cells, policies[0]) + legend([columns, *rows]) + remarks
    return Table(title, columns, rows, notes)


def _rows_note(cell: Cell, policy: str) -> str:
    """What the mean per class is, and which classes have most and fewest test rows."""
    most = sorted(cell["rows"].items(), key=lambda item: -item[1])
    shown = [f"{name} {count}" for name, count in most]
    if len(shown) > CLASSES:
        shown = [*shown[: CLASSES // 2], "...", *shown[-CLASSES // 2 :]]
    return f"per class: mean over the classes of their recall at {policy}; test rows: {', '.join(shown)}"


def _space_note(cell: Cell) -> list[str]:
    """How many classes source and target share, and how many each has alone."""
    if cell["space"] is None:
        return []
    words = {"shared": "shared", "source_private": "of the source alone", "target_private": "of the target alone"}
    counts = ", ".join(f"{cell['space'][key]} {word}" for key, word in words.items())
    private = cell["space"]["target_private"]
    outputs = "one output is for the unknown" if cell["space"]["unknown"] else "each of these has an output"
    return [f"classes: {counts}{f'; {outputs}' if private else ''}"]


def _part_notes(cells: Sequence[Cell], policy: str) -> list[str]:
    """The mean on each of several targets, and of the metrics of the setting: a line for each run."""
    lines = []
    for cell in cells:
        metrics = {shown: cell["metrics"].get(name) for name, shown in PARTS.items()}
        parts = {name: mean for name, mean in {**cell["targets"], **metrics}.items() if mean is not None}
        if parts and cell["selection"] == policy:
            lines.append(f"{row_name(cell)} at {policy}: " + ", ".join(f"{key} {parts[key]:.3f}" for key in parts))
    return lines


def rank(policy: str, cells: Sequence[Cell]) -> tuple[bool, int, str]:
    """Where a selection policy stands among the columns: those that read labels of the target last."""
    first = ("last", "source-val")
    return _oracle(policy, cells), first.index(policy) if policy in first else len(first), policy


def _oracle(policy: str, cells: Sequence[Cell]) -> bool:
    return any(cell["uses_target_labels"] for cell in cells if cell["selection"] == policy)


def legend(rows: Sequence[Sequence[str]]) -> list[str]:
    """What the signs mean that occur in these texts."""
    text = " ".join(word for row in rows for word in row)
    return [f"{sign} {note}" for sign, note in NOTES.items() if sign in text]


def caption(cell: Cell, seeds: str = "the") -> str:
    """What the scores of a table are."""
    if cell["metric"] is None:
        return f"{UNSCORED} the target has no labels: nothing can be scored"
    metric = METRICS[cell["metric"]]
    return f"target test {metric}: mean over {seeds} seeds ± half of its 95% {NAMES[cell['interval']]}"


def heading(policy: str, cells: Sequence[Cell]) -> str:
    """A selection policy, marked where it reads labels of the target."""
    return f"{policy} {SELECTS_BY_LABELS}" if _oracle(policy, cells) else policy


def row_name(cell: Cell) -> str:
    """A run as a row names it: its strategy, what it saw, what tells it apart from others of the strategy."""
    variant = ", ".join(f"{key}={value}" for key, value in cell["variant"].items())
    sign = f" {TRAINS_ON_LABELS}" if "labelled" in cell["sees"] else ""
    sign += f" {OTHER_DATA}" if cell["other_data"] else ""
    return cell["strategy"] + sign + (f" ({variant})" if variant else "")


def score_text(cell: Cell | None) -> str:
    """A score as a table has it; "failed" or "absent" where there is none, "-" where nothing was run.

    And "–" where the target has no labels to score by.
    """
    if cell is None:
        return "-"
    if cell["mean"] is None:
        return UNSCORED if cell["status"] == "finished" else cell["status"]
    if cell["low"] is None:
        return f"{cell['mean']:.3f}"
    sign = f" {BEST}" if cell["best"] else ""
    # the interval is clipped to [0, 1], so the longer half is the one to show
    half = max(cell["mean"] - cell["low"], cell["high"] - cell["mean"])
    return f"{cell['mean']:.3f} ±{half:.3f}{sign}"


def _chance(cell: Cell | None, key: str) -> str:
    return "-" if cell is None or cell[key] is None else f"{cell[key]:.3f}"


def _gain(cell: Cell | None) -> str:
    if cell is None or cell["gain"] is None:
        return "-"
    return f"{cell['gain']:+.3f}" + (f" {NEGATIVE}" if cell["negative_transfer"] else "")


def _remark(run: dict[str, Cell]) -> str:
    """What went wrong in a run: its error, or how many of its seeds diverged or collapsed, under which policy."""
    cell = next(iter(run.values()))
    if cell["status"] != "finished":
        return _why(cell)
    words = [f"{sum(cell['diverged'])}/{cell['n']} diverged"] if any(cell["diverged"]) else []
    counts = {name: sum(item["collapsed"]) for name, item in run.items() if any(item["collapsed"])}
    if len(counts) == len(run) and len(set(counts.values())) == 1:
        words.append(f"{next(iter(counts.values()))}/{cell['n']} collapsed")
    else:
        words += [f"{count}/{cell['n']} collapsed ({name})" for name, count in counts.items()]
    return ", ".join(words)


def _why(cell: Cell) -> str:
    """Why there is no score, in one line; the command says after the table how to get absent data."""
    lines = str(cell["error"]).strip().splitlines() or [""]
    error = " ".join((lines[0] if cell["status"] == "absent" else " ".join(lines)).split()).rstrip(":")
    return f"{cell['status']}: {error if len(error) <= 200 else error[:197] + '...'}"
