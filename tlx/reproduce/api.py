"""`tlx reproduce` from Python: run a published table, or show what was run of it."""

from collections.abc import Sequence
from pathlib import Path

from tlx.errors import UnknownName
from tlx.plugins import Registry
from tlx.reproduce.figures import Planned, planned
from tlx.reproduce.literature import read
from tlx.reproduce.table import PaperTable
from tlx.reproduce.verdicts import Cell, compared, refuse_others
from tlx.runs.api import complete
from tlx.runs.environment import CHECKOUT
from tlx.runs.executor import Executor
from tlx.runs.result import Result
from tlx.runs.store import Store, load_all


def reproduce(
    table: str | PaperTable,
    *,
    budget: str = "full",
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seeds: int | None = None,
    out: str | Path | None = None,
    plugins: Sequence[str] = (),
    registry: Registry | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> list[Cell]:
    """Runs what a published table lacks in the folder `out` (default "runs/TABLE"), and gives its cells.

    Only missing cells run: see `tlx.runs`. `tasks` and `methods` are those to run, `seeds` how many; the cells are of
    these alone.

    Raises:
        UnknownName: no such table, or no such budget, task or method of it.
        ResultError: the folder has a result of one of the table's cells under another protocol or on another network.
        TlxError: as `tlx.runs`; before anything runs.

    Example:
        cells = tlx.reproduce.reproduce("tllib-digits", budget="short", tasks=["mnist->usps"])
    """
    registry = registry or Registry.load(plugins)
    found = _table(registry, table)
    if found.suites and budget not in found.suites:
        raise UnknownName(f"budget of table '{found.name}'", budget, found.suites)
    plan = planned(registry, found, read(found.literature), tasks=tasks, methods=methods, seeds=seeds, plugins=plugins)
    folder = Path("runs") / found.name if out is None else Path(out)
    if folder.is_dir():
        refuse_others(found, plan, load_all(folder), folder)
    specs = {item.specs[budget].hash: item.specs[budget] for item in plan if budget in item.specs}
    if specs:
        complete(list(specs.values()), Store(folder), registry, executor, progress)
    return compared(found, plan, load_all(folder) if folder.is_dir() else [])


def report(
    table: str | PaperTable,
    folder: str | Path | None = None,
    *,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    plugins: Sequence[str] = (),
    registry: Registry | None = None,
) -> list[Cell]:
    """The cells of what was run of a published table; nothing runs, and without a folder nothing was run.

    `folder` is by default the committed "benchmarks/results/TABLE", and else "runs/TABLE".

    Raises:
        UnknownName: no such table, task or method.
        ResultError: a folder that is given and is none, or a result under another protocol or on another network.
    """
    registry = registry or Registry.load(plugins)
    found = _table(registry, table)
    plan = planned(registry, found, read(found.literature), tasks=tasks, methods=methods, plugins=plugins)
    return compared(found, plan, _results(found, plan, folder))


def _table(registry: Registry, table: str | PaperTable) -> PaperTable:
    return registry.get("tables", table) if isinstance(table, str) else table


def _results(table: PaperTable, plan: Sequence[Planned], folder: str | Path | None) -> list[Result]:
    committed = Path("benchmarks/results") / table.name
    homes = (committed, CHECKOUT / committed, Path("runs") / table.name)
    where = Path(folder) if folder is not None else next((path for path in homes if path.is_dir()), None)
    if where is None:
        return []
    results = load_all(where)
    refuse_others(table, plan, results, where)
    return results
