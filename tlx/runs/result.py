"""A result: what one run was, what it scored, and how to run it again. One JSON file holds one."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tlx.errors import ResultError, SettingError
from tlx.runs.convert import OPTIONAL, convert_fields, fields_to_json
from tlx.runs.frame import frame
from tlx.runs.notebook import one_result
from tlx.runs.sound import check
from tlx.runs.spec import Spec, digest
from tlx.score import metrics

if TYPE_CHECKING:
    import pandas

FORMAT = 2
LINE = re.compile(r"\n\s*")


@dataclass(frozen=True)
class Score:
    """One seed at the selected evaluation, on the targets' test rows; see `tlx.score.scores`.

    `accuracy` is the main score: where the result's `metric` is "r2", it is R^2, and there is nothing of classes
    beside it; where it is "hos", it is the H-score. Where that is None it is None, and there is nothing but
    `collapsed` beside it. `targets` has it for each target by name, where there are several. `metrics` are those of the
    setting: "rmse" and "mae" of real targets, those of `tlx.score.open_scores` where there is an unknown class. `top5`
    is None where there are five outputs or fewer.
    """

    step: int
    accuracy: float | None
    recall: list[float | None] = field(default_factory=list, metadata=OPTIONAL)
    macro_f1: float | None = field(default=None, metadata=OPTIONAL)
    confusion: list[list[int]] = field(default_factory=list, metadata=OPTIONAL)
    ece: float | None = field(default=None, metadata=OPTIONAL)
    collapsed: bool = field(default=False, metadata=OPTIONAL)
    top5: float | None = field(default=None, metadata=OPTIONAL)
    targets: dict[str, float] = field(default_factory=dict, metadata=OPTIONAL)
    metrics: dict[str, float | None] = field(default_factory=dict, metadata=OPTIONAL)

    @property
    def precision(self) -> list[float | None]:
        """Per class; see `tlx.score.metrics.precision`."""
        return metrics.precision(self.confusion) if self.confusion else []

    @property
    def f1(self) -> list[float | None]:
        """Per class; see `tlx.score.metrics.f1`."""
        return metrics.f1(self.confusion, self.recall) if self.confusion else []

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
class CurvePoint:
    """One evaluation on the curves; every list has one number a seed, None where it was not finite.

    `source_val` and `target` have the main score on the sources' validation rows and the targets' test rows; one is
    empty where there is no source, or no label of the targets.
    `selectors` has the score that each selector gave it, if it was one of those selected from: of the last phase.
    """

    phase: str
    step: int
    metrics: dict[str, list[float | None]]
    source_val: list[float]
    target: list[float]
    selectors: dict[str, list[float | None]] = field(default_factory=dict, metadata=OPTIONAL)


@dataclass(frozen=True)
class LabelSpaceCounts:
    """A label space: how many classes source and target share, and how many each has alone.

    With `unknown` the classifier has an output for what is of no source class.
    """

    shared: int
    source_private: int
    target_private: int
    unknown: bool


@dataclass(frozen=True)
class Environment:
    """Where it ran. `git` is the commit of the tlx checkout, "-dirty" if there are changes to it; None without one."""

    versions: dict[str, str]
    git: str | None
    device: str | None


@dataclass(frozen=True)
class Times:
    """When it started (ISO 8601, UTC), and seconds: `wall` in all, of which `compile` and `train`.

    What was compiled while another run trained is in neither.
    """

    started: str
    wall: float
    compile: float = 0.0
    train: float = 0.0


@dataclass(frozen=True)
class Result:
    """What a run gives. Two runs of one spec under one `code` and environment differ in `times` only.

    `sees` is what the strategy was shown, of "source", "target", "labelled"; `setting` its kind ("unsupervised", ...);
    `code` the fingerprint of its source, and `identity` those of what else its scores depend on
    (`tlx.runs.identity`); `metric` what its main scores are, None where the targets have no labels to score by; `space`
    counts the classes, and is there where the targets are classes; `classes` are the names of the classes, and `rows`
    counts the rows of each in "source" (train) and "test", where they are known; `asked` has, of a run that asks for
    labels of target train rows, how many each seed was shown. A failed run has `error` (and
    `traceback`) and no scores; one that is "absent" has as `error` which data are not here, and how to get them.
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
    curves: list[CurvePoint] = field(default_factory=list)
    error: str | None = None
    traceback: str | None = None
    metric: Literal["accuracy", "r2", "hos", "cluster"] | None = field(default="accuracy", metadata=OPTIONAL)
    space: LabelSpaceCounts | None = field(default=None, metadata=OPTIONAL)
    identity: dict[str, str] = field(default_factory=dict, metadata=OPTIONAL)
    classes: tuple[str, ...] = field(default=(), metadata=OPTIONAL)
    rows: dict[str, list[int]] = field(default_factory=dict, metadata=OPTIONAL)
    asked: list[int] = field(default_factory=list, metadata=OPTIONAL)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"

    def accuracy(self, selection: str = "last") -> list[float]:
        """The main score of each seed on the targets' test rows under a selection policy; see `metric`.

        Raises:
            SettingError: no such policy judged this run, or the targets have no labels to score by.
        """
        values = [score.accuracy for score in self._scores(selection)]
        if self.metric is None:
            raise SettingError(f"{self.spec.label}: the target has no labels, so nothing can be scored.")
        return [value for value in values if value is not None]

    def values(self, metric: str, selection: str = "last") -> list[float | None]:
        """One metric of each seed by its name: the main one, "mean_per_class", or one of the setting ("hos", "rmse").

        Raises:
            SettingError: no such policy judged this run, or its setting has no such metric: "accuracy" of an open set,
                "hos" of a closed one.
        """
        scores = self._scores(selection)
        if self.metric is None:
            raise SettingError(f"{self.spec.label}: the target has no labels, so nothing can be scored.")
        if metric == self.metric:
            return [score.accuracy for score in scores]
        by_class = {"mean_per_class": [score.mean_per_class for score in scores]} if scores[0].recall else {}
        if metric in by_class:
            return by_class[metric]
        if metric not in (known := scores[0].metrics):
            kind = {"hos": "an open set", "cluster": "of new classes without labels"}.get(
                self.metric, f"scored by {self.metric}"
            )
            raise SettingError(
                f"{self.spec.label}: no metric '{metric}', since it is {kind}; metrics: "
                f"{', '.join(dict.fromkeys((self.metric, *known, *by_class)))}."
            )
        return [score.metrics[metric] for score in scores]

    def targets(self, selection: str = "last") -> dict[str, list[float]]:
        """The same on each target, by name, where there are several. Raises SettingError as `accuracy`."""
        scores = self._scores(selection)
        return {name: [score.targets[name] for score in scores] for name in scores[0].targets}

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas DataFrame with a row for each selection policy and seed; see `tlx.runs.frame.frame`."""
        return frame([self])

    def _repr_html_(self) -> str:
        return one_result(self)

    def _scores(self, selection: str) -> list[Score]:
        if selection not in self.selections:
            known = ", ".join(self.selections) or f"none, since it is {self.status}"
            raise SettingError(f"The run was not judged by '{selection}'; selection policies: {known}.")
        return self.selections[selection].scores

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values. `digest` is of all but the times: a file that was changed by hand does not fit it."""
        fields = {"format": FORMAT, "hash": self.spec.hash, **fields_to_json(self)}
        return {"format": FORMAT, "hash": fields["hash"], "digest": _digest(fields), **fields}

    @classmethod
    def parse(cls, text: str | bytes) -> "Result":
        """The result of a file's text.

        Raises:
            ResultError: another version of tlx wrote it.
            KeyError, ValueError, SettingError: it is damaged.
        """
        try:
            return cls._from_json(json.loads(text, parse_float=_finite, parse_constant=_finite))
        except (ResultError, KeyError, ValueError, SettingError):
            raise
        except Exception as error:  # a file may hold anything: a value of any type in any place, at any depth
            raise ValueError(f"{type(error).__name__}: {error}") from error

    @classmethod
    def _from_json(cls, fields: Any) -> "Result":
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        if type(written := fields["format"]) is not int:
            raise ValueError(f"format: got {written!r:.60}; expected a whole number")
        if written != FORMAT:
            raise ResultError(f"it has the result format {written!r}; this tlx reads {FORMAT}")
        json.dumps(fields, ensure_ascii=False).encode()  # half of a surrogate pair can be read, and not be printed
        if "digest" in fields and fields["digest"] != _digest(fields):  # files of before have none
            raise ValueError("its digest is not that of its content")
        content = {key: value for key, value in fields.items() if key not in ("format", "hash", "digest")}
        result: Result = convert_fields(content, cls)
        if digest(content["spec"]) != fields["hash"]:  # of the dict as written: a later tlx may add a field to recipes
            raise ValueError("its hash is not that of its spec")
        check(result)
        return result

    def text(self) -> str:
        """The JSON text of a result file, innermost lists on one line."""
        text = json.dumps(self.to_json(), indent=1, allow_nan=False)
        # a line break within a string is escaped, so a "[" before a real one opens a list
        return re.sub(r"\[\n([^][{}]*)\]", lambda match: f"[{LINE.sub(' ', match[1]).strip()}]", text) + "\n"


@dataclass(frozen=True)
class Left(Result):
    """In the place of the result of a run that another process is at. It is never written."""


def failures(results: Sequence[Result]) -> list[str]:
    """One line for each failed run: task, strategy, error."""
    return [f"{result.spec.label}: {result.error}" for result in results if result.status == "failed"]


def absences(results: Sequence[Result]) -> list[str]:
    """One line for each task whose data are not on this machine: task, and how to get them."""
    absent = (result for result in results if result.status == "absent")
    lines = (f"{result.spec.full_task}: {' '.join(str(result.error).split())}" for result in absent)
    return list(dict.fromkeys(lines))


def _digest(fields: Mapping[str, Any]) -> str:
    """The sha256 of the canonical JSON of a result's dict, but for its times and the digest itself."""
    content = {key: value for key, value in fields.items() if key not in ("times", "digest")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _finite(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"got {text:.60}; expected a finite number")
