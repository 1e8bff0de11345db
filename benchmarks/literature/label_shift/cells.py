"""The cells of the table, each with a verdict, and the page of them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from tlx.reproduce import Figure, program_cell

from .published import METHODS, NETWORKS, published

NOTES = (
    "theirs: Alexandari, Kundaje, Shrikumar, ICML 2020, from the raw values of their repository",
    "points of accuracy that a correction adds: the median over 10 networks x 10 draws ± the further end of its 95% "
    "interval by a bootstrap over the networks; 'uncorrected' is the accuracy without one",
    "verdict: reproduced where our median lies in the interval of theirs",
)
OUTCOMES = {"within": "reproduced", "higher": "higher", "lower": "lower"}


class Cell(TypedDict):
    """Medians in points with the ends of their 95% intervals; verdict: "within", "higher" or "lower" than theirs."""

    shift: str
    method: str
    ours: list[float]
    theirs: list[float]
    verdict: str


Medians = Mapping[str, Mapping[str, list[float]]]


def cells_of(ours: Medians, theirs: Medians) -> list[Cell]:
    """All cells: our median is within, above or below the bootstrap interval of the published median."""
    cells: list[Cell] = []
    for shift, methods in ours.items():
        for method, value in methods.items():
            _, low, high = theirs[shift][method]
            place = value[0]
            verdict = "within" if low <= place <= high else "higher" if place > high else "lower"
            cells.append(Cell(shift=shift, method=method, ours=value, theirs=theirs[shift][method], verdict=verdict))
    return cells


def table(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The cells as `tlx reproduce` has them; of None, "not run" beside each published figure."""
    ours = {(cell["shift"], cell["method"]): cell for cell in found["cells"]} if found else {}
    cells = []
    for shift, methods in published().items():
        for method, (value, low, high) in methods.items():
            figure = Figure(
                task=f"mnist {shift}", method=method, value=value, protocol="label-shift-mnist", selection="last",
                network="784-256-10", provenance="R", spread=round(max(value - low, high - value), 3), n=NETWORKS,
            )  # fmt: skip
            cell = ours.get((shift, method))
            outcome = OUTCOMES[cell["verdict"]] if cell else "not run"
            why = "" if cell else "not run yet"
            cells.append(program_cell("label-shift-mnist", figure, cell and cell["ours"], NETWORKS, outcome, why))
    return cells


def markdown(cells: Sequence[Cell]) -> str:
    """The tables: ours, theirs and the verdict, a row a shift."""
    methods = (*METHODS, "uncorrected")
    by = {(cell["shift"], cell["method"]): cell for cell in cells}
    improvements = [cell for cell in cells if cell["method"] != "uncorrected"]
    count = {
        verdict: sum(cell["verdict"] == verdict for cell in improvements) for verdict in ("within", "higher", "lower")
    }
    apart = sum(cell["ours"][1] > cell["theirs"][2] or cell["ours"][2] < cell["theirs"][1] for cell in improvements)
    lines = [
        f"{len(improvements)} improvements: {count['within']} within the 95% bootstrap interval (over the 10 networks) "
        f"of the published median, {count['higher']} higher (+), {count['lower']} lower (-). Of {apart} our interval, "
        "by the same bootstrap, and theirs lie apart.",
        "",
        "Median over 100 trials of the points added, ours / theirs; last the accuracy without a correction.",
        "",
        "| shift, rows | " + " | ".join(methods) + " |",
        "|---|" + "---:|" * len(methods),
    ]
    for shift in dict.fromkeys(cell["shift"] for cell in cells):
        row = [by[shift, method] for method in methods]
        marks = {"within": "", "higher": " +", "lower": " -"}
        shown = [f"{cell['ours'][0]:.2f} / {cell['theirs'][0]:.2f}{marks[cell['verdict']]}" for cell in row]
        lines.append(f"| {shift} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
