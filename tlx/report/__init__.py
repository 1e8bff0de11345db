"""Reports on results: terminal, Markdown, CSV, JSON. Importing this does not import JAX."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlx.bench.result import Result
from tlx.bench.store import load_all
from tlx.errors import ResultError, SettingError, UnknownName
from tlx.report.cells import cells
from tlx.report.overview import overview as overview_of
from tlx.report.tables import tables

TABLES, RECORDS = ("terminal", "markdown"), ("csv", "json")
FORMATS = (*TABLES, *RECORDS)

__all__ = ["FORMATS", "cells", "render", "report"]


def render(
    results: Sequence[Result],
    format: str = "terminal",
    overview: str | None = None,
    baseline: str | None = None,
    interval: str = "t",
    **options: Any,
) -> str:
    """The text of a report on results: a table for each task, or with `overview`, a selection policy, one for all.

    `baseline` is a strategy to test all others against, and `interval` is "t" or "bootstrap": see `cells`. "terminal"
    has the option `width`.

    Raises:
        UnknownName: no such format, selection, baseline or interval.
        SettingError: an overview in a format that has a line for each cell.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    module, found = importlib.import_module(f"tlx.report.{format}"), cells(results, baseline, interval)
    if format in RECORDS:
        if overview is not None:
            raise SettingError(
                f"format '{format}' has a line for each cell, and no overview; expected terminal or markdown"
            )
        return module.render(found, **options)
    return module.render(tables(found) if overview is None else [overview_of(found, overview)], **options)


def report(folder: str | Path, format: str = "terminal", **options: Any) -> str:
    """The text of a report on a results folder.

    Raises:
        ResultError: there is no such folder, it cannot be read, or there is no result in it.
        UnknownName, SettingError: as `render`.
    """
    results = load_all(folder)
    if not results:
        raise ResultError(f"Results folder '{folder}' holds no result; `tlx bench SUITE --out {folder}` writes some.")
    return render(results, format, **options)
