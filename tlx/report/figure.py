"""Figures for papers: which results one shows, and how it is drawn. What it shows is up to a plugin, `tlx_figures`."""

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.counted import counted
from tlx.data.task_names import task_name
from tlx.errors import DataError, ResultError, SettingError, UnknownName
from tlx.plugins import Registry
from tlx.report.cells import BASELINE, Cell, cells
from tlx.report.matrix import Matrix, matrix
from tlx.report.tables import METRICS, row_name
from tlx.runs.result import Result
from tlx.runs.store import Store

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

FIGURES = ("pdf", "svg", "png")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """What a figure is drawn from: the results that are chosen, and a cell (`tlx.report.cells`) for each that scored.

    The cells are those of one selection policy, sorted as `tlx.report.cells` does, and so are the results. `folder` is
    where the results lie, None of results that lie nowhere; `every` has the cells of those that are not chosen too.
    """

    results: Sequence[Result]
    cells: Sequence[Cell]
    selection: str
    baseline: str
    folder: Path | None
    every: Sequence[Cell]

    @property
    def metric(self) -> str:
        """What the scores are, in words."""
        return " or ".join(dict.fromkeys(METRICS[cell["metric"]] for cell in self.cells))

    def name(self, result: Result) -> str:
        """A run as a legend names it: its strategy, and what tells it apart from others of the strategy."""
        return next((row_name(cell) for cell in self.every if cell["hash"] == result.spec.hash), result.spec.strategy)

    def title(self, of: Result | Cell) -> str:
        """A task as a title names it, shortly: without a prefix that all datasets have.

        Its protocol and its backbone are named where there are several.
        """
        groups = {(cell["task"], cell["protocol"], cell["backbone"]) for cell in self.cells}
        facts = of if isinstance(of, dict) else vars(of.spec)
        start = len(_shared([task for task, _, _ in groups]))
        sides = [[name[start:] for name in side.split("+")] for side in facts["task"].split("->")]
        words = [" → ".join("+".join(side) for side in sides)]
        words += [
            facts[key] for at, key in ((1, "protocol"), (2, "backbone")) if len({item[at] for item in groups}) > 1
        ]
        return ", ".join(words)

    def base(self, of: Cell) -> Cell | None:
        """The cell of the baseline that a cell's gain is over; None where there is none."""
        same = ("task", "protocol", "backbone")
        for cell in self.every if of["gain"] is not None else ():
            alike = cell["strategy"] == self.baseline and all(cell[key] == of[key] for key in same)
            if alike and cell["mean"] is not None and math.isclose(cell["mean"], of["mean"] - of["gain"], abs_tol=1e-9):
                return cell
        return None

    def matrix(self) -> Matrix:
        """The chosen runs by methods and tasks, as the overview and the page have them: averages and ranks."""
        return matrix(self.cells, self.selection)

    def kept(self) -> list[tuple[Result, "dict[str, np.ndarray]"]]:
        """The results with the embedding that each kept (`tlx.runs.embedding`); those without one are logged by name.

        Raises:
            ResultError: none has one.
        """
        found = [(item, Store(self.folder).kept(item.spec) if self.folder else None) for item in self.results]
        without = _some([item.spec.label for item, arrays in found if arrays is None])
        told = f"no embedding of {without}" + (f" in '{self.folder}'" if self.folder else ", which lie in no folder")
        remedy = "run again with --keep-embeddings, in Python Lab(embeddings=True)"
        if not any(arrays for _, arrays in found):
            raise ResultError(f"There is {told}; {remedy}.")
        if without:
            log.warning("not drawn: %s; %s", told, remedy)
        return [(item, arrays) for item, arrays in found if arrays is not None]


def draw(
    registry: Registry,
    results: Sequence[Result],
    kind: str,
    *,
    width: str | float = "single",
    tasks: Sequence[str] | None = None,
    strategies: Sequence[str] | None = None,
    selection: str = "last",
    baseline: str | None = None,
    interval: str = "t",
) -> "Figure":
    """A matplotlib figure of results, whose `savefig("x.pdf")` embeds fonts and writes no date.

    `kind` is "curves", "embedding", "critical-difference", "confusion", "selectors", "gain", or one of a plugin.
    `width` is "single" or "double", columns of a two-column page, or inches. `tasks` and `strategies` choose what is
    shown. `baseline` and `interval` are as in `tlx.report.cells`. What has no score is left out and logged.

    Raises:
        UnknownName: no such figure, task, strategy, selection, baseline or interval.
        SettingError: matplotlib is not installed, a wrong width, or too much for one figure.
        ResultError: nothing to draw; the message says what is missing.
    """
    function = registry.get("figures", kind)
    try:
        from tlx.report.paper import WIDTHS, Paper, styled
    except ImportError as error:
        raise SettingError("Figures need matplotlib: pip install 'tlx[figures]'.") from error
    inches = _inches(width, WIDTHS)
    every = cells(results, baseline, interval)
    chosen = _chosen(results, tasks, strategies)
    hashes = {result.spec.hash for result in chosen}
    known = {cell["selection"] for cell in every}
    if selection not in known:
        raise UnknownName("selection", selection, known)
    own = [cell for cell in every if cell["selection"] == selection]
    scored = [cell for cell in own if cell["mean"] is not None and cell["hash"] in hashes]
    if not scored:
        raise ResultError(f"There is no score under '{selection}' to draw, of {counted(len(chosen), 'result')}.")
    if without := [item.spec.label for item in chosen if item.spec.hash not in {cell["hash"] for cell in scored}]:
        log.warning("not drawn, without a score: %s", _some(without))
    folder = getattr(results, "folder", None)
    order = {cell["hash"]: at for at, cell in enumerate(scored)}
    shown = sorted((item for item in chosen if item.spec.hash in order), key=lambda item: order[item.spec.hash])
    with styled():
        figure = Paper(figsize=(inches, inches), layout="constrained")
        function(figure, View(shown, scored, selection, baseline or BASELINE, folder, own))
    return figure


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _inches(width: str | float, names: dict[str, float]) -> float:
    try:
        inches = names[width] if isinstance(width, str) and width in names else float(width)
    except (TypeError, ValueError):
        inches = math.nan
    if not 1 <= inches <= 20:
        raise SettingError(f"width is {width!r:.60}; expected {', '.join(names)}, or 1 to 20 inches.")
    return inches


def _chosen(
    results: Sequence[Result], tasks: Sequence[str] | None, strategies: Sequence[str] | None
) -> Sequence[Result]:
    specs = [result.spec for result in results]
    wanted = None if tasks is None else {_task(name) for name in tasks}
    for kind, given, known in (
        ("task", wanted, {spec.task for spec in specs} | {spec.full_task for spec in specs}),
        ("strategy", strategies, {spec.strategy for spec in specs}),
    ):
        for name in given or ():
            if name not in known:
                raise UnknownName(kind, name, known)
    return [
        item
        for item in results
        if (wanted is None or {item.spec.task, item.spec.full_task} & wanted)
        and (strategies is None or item.spec.strategy in strategies)
    ]


def _task(name: str) -> str:
    """A task's name in normal form, where it has one."""
    try:
        return task_name(name)
    except DataError:
        return name


def _shared(tasks: Sequence[str]) -> str:
    """The beginning that the names of all datasets share, up to a ":" or a "/"."""
    names = [name for task in tasks for side in task.split("->") for name in side.split("+")]
    same = os.path.commonprefix(names)
    return same[: 1 + max(same.rfind(sign) for sign in ":/")]
