"""Reports on results: terminal, Markdown, LaTeX, CSV, JSON, HTML, figures. Importing this does not import JAX."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlx.errors import SettingError, UnknownName
from tlx.report.cells import cells
from tlx.report.figure import View
from tlx.report.matrix import Matrix
from tlx.report.overview import overview as overview_of
from tlx.report.results import Results
from tlx.report.selectors import comparisons, selector_tables
from tlx.report.tables import row_name, tables
from tlx.runs.result import Result
from tlx.runs.store import Store

TABLES, RECORDS, PAGES = ("terminal", "markdown", "latex"), ("csv", "json"), ("html",)
FORMATS = (*TABLES, *RECORDS, *PAGES)

__all__ = ["FORMATS", "Matrix", "Results", "View", "cells", "comparisons", "render", "report", "row_name"]


def render(
    results: Sequence[Result],
    format: str = "terminal",
    overview: str | None = None,
    selectors: bool = False,
    baseline: str | None = None,
    interval: str = "t",
    **options: Any,
) -> str:
    """The text of a report on results: a table for each task, or with `overview`, a selection policy, one for all.

    With `selectors` it compares the selection policies instead. `baseline` is a strategy to test all others against,
    and `interval` is "t" or "bootstrap": see `cells`. "terminal" has the option `width`; "html", a page with all of it,
    has `store`, the `tlx.runs.Store` where embeddings may lie, and `published`, which finds published figures.

    Raises:
        UnknownName: no such format, selection, baseline or interval.
        SettingError: an overview in a format that has a line for each cell, or of selectors, or in a page.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    module = importlib.import_module(f"tlx.report.{format}")
    if overview is not None and (selectors or format in PAGES):
        raise SettingError("an overview is of one selection policy, as text; expected no --selectors, and not html")
    every = cells(results, baseline, interval)
    if format in PAGES:
        return module.render(results, every, **options)
    if selectors:
        return module.render(_facts(results) if format in RECORDS else selector_tables(results), **options)
    if format in RECORDS:
        if overview is not None:
            raise SettingError(
                f"format '{format}' has a line for each cell, and no overview; expected terminal or markdown"
            )
        return module.render(every, **options)
    return module.render(tables(every) if overview is None else [overview_of(every, overview)], **options)


def report(folder: str | Path, format: str = "terminal", **options: Any) -> str:
    """The text of a report on a results folder.

    Raises:
        ResultError: there is no such folder, it cannot be read, or there is no result in it.
        UnknownName, SettingError: as `render`.
    """
    results = Results.load(folder)
    if format in PAGES:
        options["store"] = Store(folder)
    return render(results, format, **options)


def _facts(results: Sequence[Result]) -> list[dict[str, Any]]:
    """A dict for each task and selector; `picks` has the mean accuracy of each run."""
    return [
        {key: item[key] for key in ("task", "protocol", "backbone")}
        | fact
        | {"picks": {run: means.get(fact["selector"]) for run, means in item["picks"].items()}}
        for item in comparisons(results)
        for fact in item["selectors"]
    ]
