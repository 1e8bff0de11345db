"""Reports on results: terminal, Markdown, CSV, JSON. Importing this does not import JAX."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlx.bench.result import Result
from tlx.bench.store import load_all
from tlx.errors import ResultError, UnknownName
from tlx.report.cells import cells

FORMATS = ("terminal", "markdown", "csv", "json")

__all__ = ["FORMATS", "cells", "render", "report"]


def render(results: Sequence[Result], format: str = "terminal", **options: Any) -> str:
    """The text of a report on results; "terminal" has the option `width`.

    Raises:
        UnknownName: no such format.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    return importlib.import_module(f"tlx.report.{format}").render(cells(results), **options)


def report(folder: str | Path, format: str = "terminal", **options: Any) -> str:
    """The text of a report on a results folder.

    Raises:
        ResultError: there is no such folder, it cannot be read, or there is no result in it.
        UnknownName: no such format.
    """
    results = load_all(folder)
    if not results:
        raise ResultError(f"Results folder '{folder}' holds no result; `tlx bench SUITE --out {folder}` writes some.")
    return render(results, format, **options)
