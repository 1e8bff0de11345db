"""Results as a list that a notebook shows, and that a table or a figure is made from."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.errors import ResultError
from tlx.report.cells import cells
from tlx.report.tables import tables
from tlx.runs.frame import frame
from tlx.runs.notebook import html_table
from tlx.runs.result import Result
from tlx.runs.store import load_all

if TYPE_CHECKING:
    import pandas


class Results(list[Result]):
    """A list of results; `folder` is where they lie, None of results that lie nowhere. A notebook shows its tables.

    Example:
        tlx.Results.load("runs/quick").to_frame().groupby(["strategy", "selection"]).score.mean()
    """

    def __init__(self, results: Iterable[Result] = (), folder: str | Path | None = None):
        super().__init__(results)
        self.folder = None if folder is None else Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Results":
        """All results of a folder that `tlx bench` or `tlx run` wrote.

        Raises:
            ResultError: there is no such folder, it cannot be read, or there is no result in it.
        """
        if results := load_all(folder):
            return cls(results, folder)
        inside = [str(path) for path in sorted(Path(folder).iterdir()) if any(path.glob("*.json"))]
        remedy = f"in it do {', '.join(inside[:4])}" if inside else f"`tlx bench SUITE --out {folder}` writes some"
        raise ResultError(f"Results folder '{folder}' holds no result; {remedy}.")

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas DataFrame with a row for each result, selection policy and seed; see `tlx.runs.frame.frame`."""
        return frame(self)

    def _repr_html_(self) -> str:
        return "".join(html_table(item.title, item.columns, item.rows, item.notes) for item in tables(cells(self)))
