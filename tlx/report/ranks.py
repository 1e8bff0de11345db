"""The critical-difference diagram of what was run: of which methods on which tasks, or why there is none."""

from collections.abc import Sequence
from typing import NamedTuple

from tlx.errors import ResultError
from tlx.report.cells import Cell, place
from tlx.report.tables import row_name
from tlx.score.statistics import CriticalDifference, critical_difference


class Ranks(NamedTuple):
    """The critical difference of methods that finished on all of `tasks`."""

    found: CriticalDifference
    tasks: tuple[str, ...]


def ranks(every: Sequence[Cell], selection: str = "last") -> Ranks:
    """The mean ranks of the methods that have a score on every task, bounds aside, under one selection policy.

    A task under two protocols or on two backbones counts as two.

    Raises:
        ResultError: there are fewer than three such methods or two tasks; the message counts the methods of each task.
    """
    scores: dict[str, dict[str, float]] = {}
    for cell in sorted(every, key=place):
        if cell["selection"] == selection and cell["mean"] is not None and "labelled" not in cell["sees"]:
            task = f"{cell['task']} ({cell['protocol']}, {cell['backbone']})"
            scores.setdefault(row_name(cell), {})[task] = cell["mean"]
    tasks = sorted({task for own in scores.values() for task in own})
    whole = {name: [own[task] for task in tasks] for name, own in scores.items() if len(own) == len(tasks)}
    if len(whole) < 3 or len(tasks) < 2:
        counts = ", ".join(f"{sum(task in own for own in scores.values())} on {task}" for task in tasks)
        raise ResultError(
            "A critical-difference diagram is of three methods or more that all have a score on the same two tasks or "
            f"more; here {len(whole)} on {len(tasks)}: {counts or 'no score'}. Leave out "
            "what is not complete."
        )
    return Ranks(critical_difference(whole), tuple(tasks))
