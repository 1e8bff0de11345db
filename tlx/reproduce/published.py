"""The published figures that runs of any folder stand for."""

import logging
from collections.abc import Sequence
from typing import Any

from tlx.errors import TlxError
from tlx.plugins import Registry
from tlx.reproduce.figures import FigureRuns, plan_runs
from tlx.reproduce.literature import Literature, read
from tlx.reproduce.table import PaperTable, ProgramTable
from tlx.reproduce.verdicts import compare
from tlx.runs.result import Result

log = logging.getLogger(__name__)


def published(registry: Registry, results: Sequence[Result]) -> dict[str, list[dict[str, Any]]]:
    """By the hash of a run, the figures that it stands for in all registered tables: see `compare`.

    A dict has `paper` and `source`, where the figure was read, beside the keys of `compare`. Each run is judged by
    itself, and one that differs from a table's plan stands for nothing, as one task does for a mean over several. A
    table that cannot be read or planned is left out, with a warning.
    """
    finished = [result for result in results if result.finished]
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in registry.entries("tables"):
        try:
            table = registry.get("tables", entry.name)
            if isinstance(table, ProgramTable):
                continue
            literature = read(table.literature)
            plan = _plan(registry, table, literature, finished)
        except TlxError as error:
            log.warning("The published figures of table '%s' are not shown: %s", entry.name, error)
            continue
        origin = {"paper": f"{literature.paper}, {literature.table}", "source": literature.source}
        for result in finished:
            own = [item for item in plan if not item.figure.mean_of and _is_of(result, item)]
            cells = [cell for cell in compare(table, own, [result]) if cell["hash"]] if own else []
            if cells:
                found.setdefault(result.spec.hash, []).extend({**origin, **cell} for cell in cells)
    return found


def _plan(registry: Registry, table: PaperTable, literature: Literature, results: Sequence[Result]) -> list[FigureRuns]:
    """The table's figures of tasks and methods that were run."""
    run = {(result.spec.task, result.spec.strategy) for result in results}
    figures = [figure for figure in literature.figures if not table.tasks or figure.task in table.tasks]
    pairs = {(figure.task, figure.method) for figure in figures if not figure.mean_of} & run
    if not pairs:
        return []
    tasks, methods = (sorted(set(names)) for names in zip(*pairs, strict=True))
    return plan_runs(registry, table, literature, tasks=tasks, methods=methods)


def _is_of(result: Result, item: FigureRuns) -> bool:
    """Whether a result is of the task, method, protocol and network of a job of the figure."""
    spec, jobs = result.spec, item.jobs.values()
    own = (spec.task, spec.strategy, spec.protocol, spec.backbone)
    return any((job.spec.task, job.spec.strategy, job.spec.protocol, job.spec.backbone) == own for job in jobs)
