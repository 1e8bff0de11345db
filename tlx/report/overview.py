"""One table for many tasks, as papers print them: a row for each strategy, a column for each task."""

from collections.abc import Sequence

from tlx.errors import ResultError, UnknownName
from tlx.report.cells import Cell, place
from tlx.report.tables import Table, heading, legend, named, scored


def overview(cells: Sequence[Cell], selection: str) -> Table:
    """The scores of one selection policy. A task under two protocols, or on two backbones, has a column for each.

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
    names = dict.fromkeys(named(cell) for cell in sorted(chosen, key=place))
    texts = [column(group) for group in columns.values()]
    rows = [(name, *(text.get(name, "-") for text in texts)) for name in names]
    heads = [f"{task} ({protocol}, {backbone})" for task, protocol, backbone in columns]
    notes = ["target test accuracy: mean over the seeds ± half of its 95% t-interval"]
    title = f"selection: {heading(selection, chosen)}"
    return Table(title, ("strategy", *heads), rows, notes + legend([(title,), *rows]))


def column(cells: Sequence[Cell]) -> dict[str, str]:
    """The scores of one column by strategy.

    Raises:
        ResultError: the cells are of more than one task, protocol, backbone or selection: no column may mix them.
    """
    for key in ("task", "protocol", "backbone", "selection"):
        if len(found := sorted({cell[key] for cell in cells})) > 1:
            raise ResultError(f"One column cannot hold scores of different {key}s: {', '.join(found)}.")
    return {named(cell): scored(cell) for cell in cells}
