"""A result: what one run was, what it scored, and how to run it again. One JSON file holds one."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tlx.runs.spec import Spec, digest
from tlx.runs.from_json import build
from tlx.errors import ResultError
from tlx.score import metrics

FORMAT = 1
LINE = re.compile(r"\n\s*")


@dataclass(frozen=True)
class Score:
    """One seed at the selected evaluation, on the target's test images; see `tlx.score.scores`.

    `top5` is None in files from before it was kept.
    """

    step: int
    accuracy: float
    recall: list[float | None]
    macro_f1: float
    confusion: list[list[int]]
    ece: float | None
    collapsed: bool
    top5: float | None = field(default=None, metadata={"may_miss": True})

    @property
    def precision(self) -> list[float | None]:
        """Per class; see `tlx.score.metrics.precision`."""
        return metrics.precision(self.confusion)

    @property
    def f1(self) -> list[float | None]:
        """Per class; see `tlx.score.metrics.f1`."""
        return metrics.f1(self.confusion, self.recall)

    @property
    def mean_per_class(self) -> float | None:
        """The mean over the classes of the recall."""
        return metrics.mean_per_class(self.recall)


@dataclass(frozen=True)
class Selection:
    """The scores of all seeds under one selection policy. With `uses_target_labels` they are an upper bound."""

    uses_target_labels: bool
    scores: list[Score]


@dataclass(frozen=True)
class Point:
    """One evaluation on the curves; every list has one number a seed, None where it was not finite.

    `selectors` has the score that each selector gave it, if it was one of those selected from: of the last phase.
    """

    phase: str
    step: int
    metrics: dict[str, list[float | None]]
    source_val: list[float]
    target: list[float]
    selectors: dict[str, list[float | None]] = field(default_factory=dict, metadata={"may_miss": True})


@dataclass(frozen=True)
class Environment:
    """Where it ran. `git` is the commit of the tlx checkout, "-dirty" if there are changes to it; None without one."""

    versions: dict[str, str]
    git: str | None
    device: str | None


@dataclass(frozen=True)
class Times:
    """When it started (ISO 8601, UTC), and seconds: `wall` in all, of which `compile` and `train`."""

    started: str
    wall: float
    compile: float = 0.0
    train: float = 0.0


@dataclass(frozen=True)
class Result:
    """What a run gives. Two runs of one spec under one `code` and environment differ in `times` only.

    `sees` is what the strategy was shown, of "source", "target", "labelled"; `setting` its kind ("unsupervised", ...);
    `code` the fingerprint of its source. A failed run has `error` (and `traceback`) and no scores;
    one that is "absent" has as `error` which data are not here, and how to get them.
    """

    spec: Spec
    command: str
    status: Literal["finished", "failed", "absent"]
    environment: Environment
    times: Times
    setting: str = ""
    code: str = ""
    data_hash: str = ""
    sees: tuple[str, ...] = ()
    diverged: list[bool] = field(default_factory=list)
    selections: dict[str, Selection] = field(default_factory=dict)
    curves: list[Point] = field(default_factory=list)
    error: str | None = None
    traceback: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"

    def accuracy(self, selection: str = "last") -> list[float]:
        """The target test accuracy of each seed under a selection policy."""
        return [score.accuracy for score in self.selections[selection].scores]

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values."""
        fields = asdict(self) | {"spec": self.spec.to_json(), "sees": list(self.sees)}
        return {"format": FORMAT, "hash": self.spec.hash, **fields}

    @classmethod
    def parse(cls, text: str | bytes) -> "Result":
        """The result of a file's text.

        Raises:
            ResultError: another version of tlx wrote it.
            KeyError, TypeError, ValueError, SettingError: it is damaged.
        """
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        written, claimed = fields.pop("format"), fields.pop("hash")
        if written != FORMAT:
            raise ResultError(f"it has the result format {written!r}; this tlx reads {FORMAT}")
        result = build(cls, fields)
        if digest(fields["spec"]) != claimed:  # of the dict as written: a later tlx may add a field to recipes
            raise ValueError("its hash is not that of its spec")
        seeds = len(result.spec.seeds)
        if any(len(selection.scores) != seeds for selection in result.selections.values()):
            raise ValueError(f"it has scores of other than {seeds} seeds")
        return result

    def text(self) -> str:
        """The JSON text of a result file, innermost lists on one line."""
        text = json.dumps(self.to_json(), indent=1, allow_nan=False)
        # a line break within a string is escaped, so a "[" before a real one opens a list
        return re.sub(r"\[\n([^][{}]*)\]", lambda match: f"[{LINE.sub(' ', match[1]).strip()}]", text) + "\n"
