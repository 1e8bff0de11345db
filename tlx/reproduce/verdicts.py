"""Ours beside theirs: a cell for every published figure, with a verdict."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tlx.errors import ResultError
from tlx.report.cells import cells as score_cells
from tlx.report.cells import mean_and_interval
from tlx.reproduce import means
from tlx.reproduce.figures import FigureRuns
from tlx.reproduce.literature import Figure
from tlx.reproduce.table import BUDGETS, PaperTable
from tlx.runs.result import Result
from tlx.runs.spec import Spec

Cell = dict[str, Any]


def refuse_others(table: PaperTable, plan: Sequence[FigureRuns], results: Sequence[Result], folder: Any = "") -> None:
    """Refuses results of the table's tasks and methods under another protocol, or on another network.

    Raises:
        ResultError: there is one; the message names both protocols, or both networks.
    """
    for key, field in (("protocol", "protocol"), ("network", "backbone")):
        allowed: dict[tuple[str, str], list[str]] = {}
        for item in plan:
            names = [getattr(item.figure, key), *(getattr(job.spec, field) for job in item.jobs.values())]
            allowed.setdefault((item.figure.task, item.figure.method), []).extend(names)
        for result in results:
            spec, names = result.spec, allowed.get((result.spec.task, result.spec.strategy))
            if names and getattr(spec, field) not in names:
                expected = " or ".join(f"'{name}'" for name in dict.fromkeys(names))
                raise ResultError(
                    f"{folder or 'A result'}: {spec.label} was run with {key} '{getattr(spec, field)}', and table "
                    f"'{table.name}' has it with {expected}: such scores do not compare. Keep it in another folder."
                )


def compare(table: PaperTable, plan: Sequence[FigureRuns], results: Sequence[Result]) -> list[Cell]:
    """A dict for every figure; where an ablation was run, one more for it.

    `theirs` and `ours` are in percent, of `metric` ("": the main one): the mean over `n` seeds under `selection`, the
    table's policy, with the 95% t-interval `low` to `high`; `last`, `last_low` and `last_high` are the same at the last
    step. `verdict` is "reproduced" (within `tolerance`), "higher", "lower", "not comparable (why)" or "not run"; after
    it, in brackets, how a short budget differs from the full one. `outcome` is the verdict without brackets, `why` what
    is in them, or why nothing ran.

    A mean over several tasks has one cell, of runs of one budget on all of them, and none for ablations.

    Raises:
        ResultError: as `refuse_others`.
    """
    refuse_others(table, plan, results)
    scores = {(cell["hash"], cell["selection"]): cell for cell in score_cells(results)}
    parts: dict[Figure, list[FigureRuns]] = {}
    for item in plan:
        parts.setdefault(_without_task(item.figure), []).append(item)
    cells = []
    for item in plan:
        if item.figure.mean_of:
            if own := parts.pop(_without_task(item.figure), []):
                cells.append(_mean_cell(table, own, scores, results))
            continue
        own, ablation = _best(item, results, False), _best(item, results, True)
        cells.append(_cell(table, item, own, scores, results))
        if ablation:
            cell = _cell(table, item, ablation, scores, results)
            spec, figure = ablation[1].spec, item.figure
            why = f"ablation: {spec.backbone} under {spec.protocol} for {figure.network} under {figure.protocol}"
            cells.append(cell | _verdict("not comparable", why) | {"ablation": True, "network": spec.backbone})
    return cells


def _best(item: FigureRuns, results: Sequence[Result], ablation: bool) -> tuple[str, Result] | None:
    """The run that stands for a figure: of the largest budget, finished, of the most seeds, the latest."""

    def rank(run: tuple[str, Result]) -> tuple[bool, int, int, str]:
        budget, result = run
        return result.finished, -BUDGETS.index(budget), len(result.spec.seeds), result.times.started

    fitting = [
        (budget, result)
        for budget, job in item.jobs.items()
        if item.is_ablation(budget) == ablation
        for result in results
        if not differences(job.spec, result.spec)
    ]
    return max(fitting, key=rank, default=None)


def _without_task(figure: Figure) -> Figure:
    """What the parts of a mean share."""
    return replace(figure, task="", protocol="")


def _mean_cell(
    table: PaperTable, parts: Sequence[FigureRuns], scores: dict[tuple[str, str], Cell], results: Sequence[Result]
) -> Cell:
    def of(budget: str, part: FigureRuns) -> tuple[str, Result] | None:
        jobs = {name: job for name, job in part.jobs.items() if name == budget}
        return _best(part._replace(jobs=jobs), results, False)

    def finished(runs: Sequence[tuple[str, Result] | None]) -> int:
        return sum(run is not None and run[1].finished for run in runs)

    runs = max(([of(budget, part) for part in parts] for budget in BUDGETS), key=finished)  # of a tie, the full one
    cells = [_cell(table, part, run, scores, results) for part, run in zip(parts, runs, strict=True)]
    figure = parts[0].figure
    cell = means.joined(figure, cells)
    if why := means.lacking(figure, cells):
        blank = dict.fromkeys(("ours", "low", "high", "last", "last_low", "last_high"))
        return cell | blank | {"n": 0} | _verdict("not run", why)
    for policy, keys in ((table.selection, ("ours", "low", "high")), ("last", ("last", "last_low", "last_high"))):
        seeds = [_values(figure, run[1], policy) for run in runs if run is not None]
        cell |= _percent(dict(zip(("mean", "low", "high"), means.over_tasks(seeds), strict=True)), *keys)
    return cell | _judged(table, figure, cell["ours"], cells[0]["why"])


def differences(plan_runs: Spec, run: Spec) -> list[str]:
    """In what a run differs from its plan, but for the seeds and the recipe's name: "steps 400 rather than 2000"."""

    def facts(spec: Spec) -> dict[str, Any]:
        named = {"task": spec.task, "protocol": spec.protocol, "strategy": spec.strategy, "network": spec.backbone}
        recipe = {key: value for key, value in spec.recipe.to_json().items() if key != "name"}
        return named | recipe | {f"{spec.strategy}.{key}": value for key, value in spec.settings}

    ours, theirs = facts(run), facts(plan_runs)
    keys = [key for key in {**theirs, **ours} if ours.get(key) != theirs.get(key)]
    return [f"{key} {ours.get(key)} rather than {theirs.get(key)}" for key in keys]


def _blank(table: str, figure: Figure, selection: str) -> Cell:
    """A figure's cell before anything is known of ours."""
    return {
        "table": table,
        "task": figure.task,
        "method": figure.method,
        "label": figure.label or figure.method,
        "variant": figure.variant,
        "metric": figure.metric,
        "protocol": figure.protocol,
        "network": figure.network,
        "theirs": figure.value,
        "theirs_spread": figure.spread,
        "theirs_n": figure.n,
        "provenance": figure.provenance,
        "theirs_selection": figure.selection,
        "selection": selection,
        **dict.fromkeys(("ours", "low", "high", "last", "last_low", "last_high")),
        "n": 0,
        "tolerance": None,
        "ablation": False,
        **dict.fromkeys(("budget", "collapsed", "negative_transfer", "device", "seconds", "command", "hash")),
    }


def _cell(
    table: PaperTable,
    item: FigureRuns,
    run: tuple[str, Result] | None,
    scores: dict[tuple[str, str], Cell],
    results: Sequence[Result],
) -> Cell:
    figure, tolerance = item.figure, table.tolerance_of(item.figure)
    cell = _blank(table.name, figure, table.selection) | {"tolerance": tolerance}
    if run is None:
        other = _other(item, results)
        return cell | (_verdict("not comparable", other) if other else _verdict("not run", item.why or "not run yet"))
    budget, result = run
    facts = {"device": result.environment.device, "seconds": result.times.wall, "budget": budget}
    cell |= facts | {"command": result.spec.command, "hash": result.spec.hash}
    if not result.finished:
        words = " ".join(str(result.error).split())
        # what is absent is said whole, as it ends with how to get it
        return cell | _verdict("not run", f"{result.status}: {words if result.status == 'absent' else words[:200]}")
    chosen, last = (scores.get((result.spec.hash, policy)) for policy in (table.selection, "last"))
    cell |= {"n": len(result.spec.seeds)} | _percent(_of(figure, result, last), "last", "last_low", "last_high")
    if chosen is None:
        return cell | _verdict("not comparable", f"the result has no scores selected by '{table.selection}'")
    cell |= _percent(_of(figure, result, chosen), "ours", "low", "high")
    worse = chosen["negative_transfer"] and not figure.metric  # of the main score
    cell |= {"collapsed": sum(chosen["collapsed"]), "negative_transfer": worse}
    return cell | _judged(
        table, figure, cell["ours"], shorter({name: job.spec for name, job in item.jobs.items()}, budget)
    )


def program_cell(
    table: str, figure: Figure, ours: Sequence[float] | None, n: int, outcome: str, why: str = "", device: str = ""
) -> Cell:
    """A cell of a `ProgramTable`: what `compare` gives of a run, of a figure and what a program found in its place.

    `ours` is the score and the two ends of its interval, in the figure's unit, of `n` networks or seeds; None where
    nothing was computed. `outcome` is "reproduced", "higher", "lower", "not comparable" or "not run".
    """
    cell = _blank(table, figure, figure.selection)
    if ours is not None:
        cell |= {"n": n, "device": device or None} | dict(zip(("ours", "low", "high"), ours, strict=True))
    return cell | _verdict(outcome, why)


def _judged(table: PaperTable, figure: Figure, ours: float, why: str) -> Cell:
    gap, tolerance = ours - figure.value, table.tolerance_of(figure)
    return _verdict("reproduced" if abs(gap) <= tolerance + 1e-9 else "higher" if gap > 0 else "lower", why)


def _verdict(outcome: str, why: str) -> Cell:
    text = f"{outcome} ({why})" if why and outcome != "not run" else outcome
    return {"verdict": text, "outcome": outcome, "why": why}


def _of(figure: Figure, result: Result, score: Cell | None) -> Cell | None:
    """The mean and interval of the figure's metric, where a score cell has those of the main one."""
    if score is None or not figure.metric:
        return score
    values = _values(figure, result, score["selection"])
    return score | dict(zip(("mean", "low", "high"), mean_and_interval(values), strict=True))


def _values(figure: Figure, result: Result, selection: str) -> list[float]:
    """The figure's metric of each seed."""
    return [value for value in result.values(figure.metric or str(result.metric), selection) if value is not None]


def _percent(score: Cell | None, *keys: str) -> Cell:
    values = [None if score is None else score[key] for key in ("mean", "low", "high")]
    return {key: None if value is None else round(100 * value, 3) for key, value in zip(keys, values, strict=True)}


def shorter(specs: dict[str, Spec], budget: str) -> str:
    """How a budget differs from the full one: "short: 2,500 of 50,000 steps"; "" for the full one."""
    if budget == "full":
        return ""
    short, full = specs[budget].recipe, specs["full"].recipe if "full" in specs else None
    text = f"{budget}: {short.steps:,} steps" if full is None else f"{budget}: {short.steps:,} of {full.steps:,} steps"
    return (
        text if full is None or full.batch == short.batch else f"{text}, batch {short.batch} rather than {full.batch}"
    )


def _other(item: FigureRuns, results: Sequence[Result]) -> str:
    """In what a run of the figure's task, method, network and protocol differs from all plans; "" if there is none."""
    figure = item.figure
    key = (figure.task, figure.method, figure.network, figure.protocol)
    runs = [
        r for r in results if (r.spec.task, r.spec.strategy, r.spec.backbone, r.spec.protocol) == key and r.finished
    ]
    lists = [differences(job.spec, run.spec) for run in runs for job in item.jobs.values()]
    return ", ".join(min(lists, key=len)) if lists and all(lists) else ""
