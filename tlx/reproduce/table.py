"""A table that `tlx reproduce` runs: published figures, and the suites or the program that make them again."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlx.data.task import Dataset
from tlx.errors import SettingError
from tlx.reproduce.literature import Figure
from tlx.runs.overrides import Overrides

BUDGETS = ("full", "short")


class PublishedTable:
    """What `tlx reproduce` makes again: a `PaperTable`, or a `ProgramTable`."""

    name: str


@dataclasses.dataclass(frozen=True)
class PaperTable(PublishedTable):
    """A published table and the suites that run it again, by budget: "full", the paper's recipe, and "short".

    `literature` is the YAML file of the figures, of which `tasks` (all, if there are none) are looked at. `selection`
    is the policy of ours that is held against the paper's. `variants` says, by suite, which variant of the figures it
    runs, where it is not "". A difference of up to `tolerance` percent points counts as reproduced; `overrides`
    have another "tolerance" for some methods and tasks. `missing` says why figures are not run that no suite runs.

    A run of a suite on another network or protocol than the figure's is an ablation, and shown as one.

    Raises:
        SettingError: an unknown budget, a tolerance below 0, a variant of a suite that is not the table's.
    """

    name: str
    literature: str | Path
    selection: str
    tolerance: float
    suites: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    variants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    overrides: Overrides = dataclasses.field(default_factory=Overrides)
    missing: str = "no suite of the table runs it"
    summary: str = ""

    def __post_init__(self):
        suites = {name for names in self.suites.values() for name in names}
        if odd := sorted({*self.suites} - {*BUDGETS}):
            raise SettingError(f"Table '{self.name}': budget '{odd[0]}'; expected one of {', '.join(BUDGETS)}.")
        if odd := sorted({*self.variants} - suites):
            raise SettingError(
                f"Table '{self.name}': a variant of suite '{odd[0]}'; it has {', '.join(sorted(suites))}."
            )
        if odd := sorted({field for change in self.overrides.values() for field in change} - {"tolerance"}):
            raise SettingError(f"Table '{self.name}': overrides has '{odd[0]}'; expected tolerance.")
        tolerances = [change.get("tolerance", self.tolerance) for change in self.overrides.values()]
        if (least := min([self.tolerance, *tolerances])) < 0:
            raise SettingError(f"Table '{self.name}': a tolerance of {least} points; expected 0 or more.")

    def tolerance_of(self, figure: Figure) -> float:
        """How many percent points ours may be off."""
        return self.overrides.of(figure.task, figure.protocol, figure.method).get("tolerance", self.tolerance)


@dataclasses.dataclass(frozen=True)
class ProgramTable(PublishedTable):
    """A published table whose figures are no scores of a strategy on a task: a program of its own computes them.

    `compute(load)` gives what it finds as JSON has it, `load("mnist")` a dataset by its name; it is kept as
    "cells.json" in the table's folder. `cells(found)` are the figures beside it, each by `tlx.reproduce.program_cell`;
    of None, nothing was computed yet. `notes` say below the table what the numbers are of, and what a verdict means.
    """

    name: str
    compute: Callable[[Callable[[str], Dataset]], Any]
    cells: Callable[[Any], Sequence[dict[str, Any]]]
    notes: tuple[str, ...] = ()
    summary: str = ""
