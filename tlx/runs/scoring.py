"""What a network's outputs are worth on a task: by its kind of target, and on each of its targets."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tlx.data import TaskData
from tlx.runs.result import LabelSpaceCounts, Score
from tlx.score import (
    assigned,
    collapsed,
    main_metric,
    main_score,
    mean_per_class,
    open_scores,
    real_scores,
    scores,
)

Outputs = Float[np.ndarray, "rows outputs"]
Truth = Int[np.ndarray, "rows"] | Float[np.ndarray, "rows outputs"]
WORST = -1e9  # R^2 of outputs that are not finite: JSON holds no NaN, and such a seed must not better a mean


def main_number(target_kind: str, outputs: Outputs, y: Truth) -> float:
    """The main score, as a number that is finite: see `tlx.score.main_score`."""
    value = main_score(target_kind, outputs, y)
    return value if math.isfinite(value) else WORST if target_kind == "real" else 0.0


def kind_of(data: TaskData) -> str:
    """The kind of target that `main_score` is asked by, of the targets' rows."""
    if data.space.kind == "discovery":
        return "new"
    return "unknown" if data.space.unknown else data.target_kind


def score_of(step: int, outputs: Outputs, data: TaskData) -> Score:
    """The score of one seed at one evaluation, from its outputs of the task's test rows; without labels almost none."""
    if not data.scorable:
        return Score(step, None, collapsed=data.target_kind == "classes" and collapsed(outputs))
    y, kind = data.test.y, kind_of(data)
    if kind == "new":  # one assignment for all targets
        outputs, kind = assigned(outputs, y), "classes"
    targets: dict[str, float] = {}
    if len(data.task.targets) > 1:
        for number, name in enumerate(data.task.targets, len(data.task.sources)):
            mine = data.test.domain == number
            targets[name] = main_number(kind, outputs[mine], y[mine])
    if kind == "real":
        errors = real_scores(outputs, y)
        metrics = {"rmse": _finite(errors["rmse"]), "mae": _finite(errors["mae"])}
        return Score(step, main_number(kind, outputs, y), targets=targets, metrics=metrics)
    every = scores(outputs, y)
    if kind == "unknown":
        score = Score(step, **every, targets=targets, metrics=_plain(open_scores(outputs, y)))
        return dataclasses.replace(score, accuracy=main_number(kind, outputs, y))
    if data.space.kind == "incremental":
        return Score(step, **every, targets=targets, metrics=_parts(every["recall"], len(data.space.known)))
    return Score(step, **every, targets=targets)


def _parts(recall: Sequence[float | None], known: int) -> dict[str, float | None]:
    return {"old": mean_per_class(recall[:known]), "new": mean_per_class(recall[known:])}


def _plain(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return dict(metrics)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def metric_of(data: TaskData) -> str | None:
    """What the main scores of runs on a task are; None where there are no labels to score by."""
    return main_metric(kind_of(data)) if data.scorable else None


def rows_of(data: TaskData) -> dict[str, list[int]]:
    """How many rows of each class the sources train on, and the scores are over; what has no labels is left out."""
    if data.target_kind == "real":
        return {}
    labels = {"source": data.source.y} | ({"test": data.test.y} if data.scorable else {})
    return {key: np.bincount(y, minlength=data.space.outputs).tolist() for key, y in labels.items() if len(y)}


def space_of(data: TaskData) -> LabelSpaceCounts | None:
    """The counts of the label space; None of real targets."""
    space = data.space
    if space.reals:
        return None
    counts = (len(space.shared), len(space.source_private), len(space.target_private))
    return LabelSpaceCounts(*counts, unknown=space.unknown)
