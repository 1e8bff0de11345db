"""A table that `tlx reproduce` runs: published figures, and the suites that run them again."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from tlx.errors import SettingError

BUDGETS = ("full", "short")


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """A published table and the suites that run it again, by budget: "full", the paper's recipe, and "short".

    `literature` is the YAML file of the figures, of which `tasks` (all, if there are none) are looked at. `selection`
    is the policy of ours that is held against the paper's. `variants` says, by suite, which variant of the figures it
    runs, where it is not "". A difference of up to `tolerance` percent points counts as reproduced; `tolerances` has
    others by method ("mmd"), task ("a->b") or both ("a->b mmd"), of which the later win. `missing` says why figures
    are not run that no suite runs.

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
    tolerances: Mapping[str, float] = dataclasses.field(default_factory=dict)
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
        if (least := min([self.tolerance, *self.tolerances.values()])) < 0:
            raise SettingError(f"Table '{self.name}': a tolerance of {least} points; expected 0 or more.")

    def tolerance_of(self, task: str, method: str) -> float:
        """How many percent points ours may be off."""
        keys = (f"{task} {method}", task, method)
        return next((self.tolerances[key] for key in keys if key in self.tolerances), self.tolerance)
