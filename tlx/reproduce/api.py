"""`tlx reproduce` from Python: run a published table, or show what was run of it."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.errors import UnknownName
from tlx.plugins import Registry
from tlx.reproduce.figures import plan_runs
from tlx.reproduce.literature import read
from tlx.reproduce.program import cells_of, computed, kept, refuse_choices
from tlx.reproduce.table import PaperTable, ProgramTable
from tlx.reproduce.verdicts import Cell, compare, refuse_others
from tlx.runs.environment import CHECKOUT
from tlx.runs.store import Store, load_all, results_folder

if TYPE_CHECKING:
    from tlx.lab import Lab

log = logging.getLogger(__name__)


def reproduce(
    lab: "Lab",
    table: str | PaperTable | ProgramTable,
    *,
    budget: str = "full",
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seeds: int | None = None,
    out: str | Path | None = None,
) -> list[Cell]:
    """Runs what a published table lacks in the folder `out` (default "runs/TABLE"), and gives its cells.

    Only missing cells run: see `tlx.runs`. `tasks` and `methods` are those to run, `seeds` how many; the cells are of
    these alone.

    Raises:
        UnknownName: no such table, or no such budget, task or method of it.
        SettingError: a budget or seeds of a table that a program computes.
        ResultError: the folder has a result of one of the table's cells under another protocol or on another network.
        TlxError: as `tlx.runs`; before anything runs.

    Example:
        cells = tlx.Lab().reproduce("tllib-digits", budget="short", tasks=["mnist->usps"])
    """
    paper = _table(lab.registry, table)
    folder = Path("runs") / paper.name if out is None else Path(out)
    if isinstance(paper, ProgramTable):
        refuse_choices(paper, budget=budget != "full", seeds=seeds)
        return cells_of(paper, computed(paper, lab.registry, folder), tasks, methods)
    if paper.suites and budget not in paper.suites:
        raise UnknownName(f"budget of table '{paper.name}'", budget, paper.suites)
    chosen = {"tasks": tasks, "methods": methods, "seeds": seeds}
    plan = plan_runs(lab.registry, paper, read(paper.literature), plugins=lab.plugins, **chosen)
    if folder.is_dir():
        refuse_others(paper, plan, load_all(folder), folder)
    jobs = {item.jobs[budget].spec.hash: item.jobs[budget] for item in plan if budget in item.jobs}
    if jobs:
        lab.complete(list(jobs.values()), Store(folder))
    return compare(paper, plan, load_all(folder) if folder.is_dir() else [])


def report(
    lab: "Lab",
    table: str | PaperTable | ProgramTable,
    folder: str | Path | None = None,
    *,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
) -> list[Cell]:
    """The cells of what was run of a published table; nothing runs, and without a folder nothing was run.

    `folder` is by default the committed "benchmarks/results/TABLE", and else "runs/TABLE".

    Raises:
        UnknownName: no such table, task or method.
        ResultError: a folder that is given and is none, or a result under another protocol or on another network.
    """
    paper = _table(lab.registry, table)
    where = _home(paper, folder)
    if isinstance(paper, ProgramTable):
        return cells_of(paper, None if where is None else kept(results_folder(where)), tasks, methods)
    literature = read(paper.literature)
    plan = plan_runs(lab.registry, paper, literature, tasks=tasks, methods=methods, plugins=lab.plugins)
    results = [] if where is None else load_all(where)
    refuse_others(paper, plan, results, where)
    return compare(paper, plan, results)


def _table(registry: Registry, table: str | PaperTable | ProgramTable) -> PaperTable | ProgramTable:
    return registry.get("tables", table) if isinstance(table, str) else table


def _home(table: PaperTable | ProgramTable, folder: str | Path | None) -> Path | None:
    """Where the results of a table lie; None, with a warning, where there are none."""
    committed = Path("benchmarks/results") / table.name
    homes = (committed, CHECKOUT / committed, Path("runs") / table.name)
    where = Path(folder) if folder is not None else next((path for path in homes if path.is_dir()), None)
    if where is None:
        log.warning(
            "There are no results of '%s': the folder %s comes with tlx's sources, not with the package, and %s is not "
            "here; expected --out DIR, or `tlx reproduce %s` to run it", table.name, committed, homes[-1], table.name
        )  # fmt: skip
    return where
