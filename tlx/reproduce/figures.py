"""Which runs stand for which figures of a table."""

from collections.abc import Sequence
from typing import NamedTuple

from tlx.data.task_names import parse, task_name
from tlx.errors import TlxError, UnknownName
from tlx.plugins import Registry
from tlx.reproduce.literature import Figure, Literature
from tlx.reproduce.table import PaperTable
from tlx.runs.resolve import Job, Lookup, resolve_suite
from tlx.runs.suite import Suite


class FigureRuns(NamedTuple):
    """A figure, the job of each budget that runs it again, and why there is none."""

    figure: Figure
    jobs: dict[str, Job]
    why: str

    def is_ablation(self, budget: str) -> bool:
        """Whether that budget's run is on another network or protocol than the figure."""
        spec = self.jobs[budget].spec
        return (spec.backbone, spec.protocol) != (self.figure.network, self.figure.protocol)


def plan_runs(
    registry: Registry,
    table: PaperTable,
    literature: Literature,
    *,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seeds: int | None = None,
    plugins: Sequence[str] = (),
) -> list[FigureRuns]:
    """The figures of a table, or those of some tasks and methods, each with its jobs.

    Raises:
        UnknownName: a task or method that the table does not have, or a suite that is not registered.
        TlxError: as `resolve_suite`.
    """
    figures = [figure for figure in literature.figures if not table.tasks or figure.task in table.tasks]
    wanted = {
        "task": None if tasks is None else [str(parse(name)._replace(protocol=None)) for name in tasks],
        "method": methods,
    }
    for key, names in wanted.items():
        known = {getattr(figure, key) for figure in figures}
        for name in names or ():
            if name not in known:
                raise UnknownName(f"{key} of table '{table.name}'", name, known)
        figures = [figure for figure in figures if names is None or getattr(figure, key) in names]
    suites = {name: registry.get("suites", name) for names in table.suites.values() for name in names}
    lookup = Lookup(registry)

    def runs(figure: Figure) -> FigureRuns:
        jobs: dict[str, Job] = {}
        for budget, names in table.suites.items():
            for name in names:
                task = _task(suites[name], figure)
                fits = table.variants.get(name, "") == figure.variant and figure.method in suites[name].strategies
                if fits and task and budget not in jobs:
                    [jobs[budget]] = resolve_suite(
                        lookup, suites[name], tasks=[task], strategies=[figure.method], seeds=seeds, plugins=plugins
                    )
        return FigureRuns(figure, jobs, _absent(registry, figure) or ("" if jobs else table.missing))

    return [runs(figure) for figure in figures]


def _absent(registry: Registry, figure: Figure) -> str:
    """Which name of a figure is not registered; "" if all are."""
    absent = ""
    for kind, name in (
        ("protocols", figure.protocol.partition("/")[0]),
        ("backbones", figure.network),
        ("strategies", figure.method),
    ):
        try:
            registry.entry(kind, name)
        except UnknownName as error:
            absent = f"no {error.kind} '{name}' in tlx"
        except TlxError as error:
            absent = str(error)
    return absent


def _task(suite: Suite, figure: Figure) -> str | None:
    """The suite's own name of a figure's task, under the figure's protocol if it has it under several."""
    names = [task for task in suite.tasks if str(parse(task)._replace(protocol=None)) == figure.task]
    return next((task for task in names if parse(task_name(task)).protocol == figure.protocol), (names or [None])[0])
