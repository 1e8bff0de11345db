"""What the outputs of one evaluation are worth against the labels.

Shape vocabulary: rows N, classes C, real numbers of a row K.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float, Int

from tlx.score.clusters import cluster_accuracy
from tlx.score.open_set import hos

BINS = 15
Counts = Sequence[Sequence[int]]
COLLAPSED = 0.9
UNBALANCED = 1.5  # the largest class by the smallest


class Metrics(TypedDict):
    """What `scores` gives. `confusion` counts [true class][predicted class]."""

    accuracy: float
    recall: list[float | None]
    macro_f1: float
    confusion: list[list[int]]
    ece: float | None
    collapsed: bool
    top5: float | None


def scores(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> Metrics:
    """Accuracy, recall per class, macro-F1, confusion, calibration error, and whether the classifier collapsed.

    A row whose largest logit is not finite predicts no class: it counts as wrong, and is in no column of the confusion
    matrix. The recall of a class without rows is None. Macro-F1 is the mean over the classes that occur in labels or
    predictions. `ece` is None where no row predicts, `top5` where there are five classes or fewer. Collapsed: one class
    takes at least 0.9 of all rows.
    """
    taken, classes, top5 = collapsed(logits), logits.shape[1], top_k(logits, y) if logits.shape[1] > 5 else None
    valid = np.isfinite(logits.max(axis=1))
    logits, true = logits[valid].astype(np.float64), y[valid]
    predicted = logits.argmax(axis=1)

    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    hits, given, rows = np.diag(confusion), confusion.sum(axis=0), np.bincount(y, minlength=classes)
    occurs = (rows + given) > 0
    both = 2 * hits[occurs] / (rows + given)[occurs]
    return {
        "accuracy": float(hits.sum() / len(y)),
        "recall": _parts(hits, rows),
        "macro_f1": float(both.mean()),
        "confusion": confusion.tolist(),
        "ece": calibration_error(logits, predicted == true) if len(true) else None,
        "collapsed": taken,
        "top5": top5,
    }


def collapsed(logits: Float[np.ndarray, "rows classes"]) -> bool:
    """Whether one class takes at least 0.9 of all rows; one whose largest logit is not finite is taken by none."""
    valid = np.isfinite(logits.max(axis=1))
    given = np.bincount(logits[valid].argmax(axis=1), minlength=logits.shape[1])
    return bool(given.max() >= COLLAPSED * len(logits))


class RealMetrics(TypedDict):
    """What `real_scores` gives."""

    r2: float
    rmse: float
    mae: float


def accuracy(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> float:
    """The part of rows whose largest logit, if it is finite, is the label's."""
    return float((np.isfinite(logits.max(axis=1)) & (logits.argmax(axis=1) == y)).mean())


def class_accuracy(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> float:
    """The mean over the classes that have rows of their recall: of each class the part of its rows that is met."""
    hit = np.isfinite(logits.max(axis=1)) & (logits.argmax(axis=1) == y)
    rows = np.bincount(y, minlength=logits.shape[1])
    return float((np.bincount(y, hit, len(rows))[rows > 0] / rows[rows > 0]).mean())


def unbalanced(rows: Sequence[int]) -> bool:
    """Whether the classes that have rows differ so much in them that accuracy and mean per class tell other things."""
    there = [count for count in rows if count]
    return bool(there) and max(there) >= UNBALANCED * min(there)


def r2(outputs: Float[np.ndarray, "rows reals"], y: Float[np.ndarray, "rows reals"]) -> float:
    """The coefficient of determination: 1 - sum_i (y_i - o_i)^2 / sum_i (y_i - mean y)^2, the mean over the K columns.

    At most 1; 0 is what the mean of the labels has. A column of equal labels counts as 1 where all are met, else as 0.
    NaN where an output is not finite.
    """
    if not np.isfinite(outputs).all():
        return float("nan")
    outputs, y = outputs.astype(np.float64), y.astype(np.float64)
    left, spread = ((y - outputs) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    parts = np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), left == 0)
    return float(parts.mean())


def real_scores(outputs: Float[np.ndarray, "rows reals"], y: Float[np.ndarray, "rows reals"]) -> RealMetrics:
    """R^2, the root of the mean squared error, and the mean absolute error, the last two over all rows and columns.

    Each is NaN where an output is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = outputs.astype(np.float64) - y
        finite = bool(np.isfinite(outputs).all())
        rmse, mae = (float(np.sqrt((gaps**2).mean())), float(np.abs(gaps).mean())) if finite else (np.nan, np.nan)
    return {"r2": r2(outputs, y), "rmse": rmse, "mae": mae}


MAIN: dict[str, tuple[str, Callable[[Any, Any], float]]] = {
    "classes": ("accuracy", accuracy),
    "real": ("r2", r2),
    "unknown": ("hos", hos),
    "new": ("cluster", cluster_accuracy),
}


def main_metric(target_kind: str) -> str:
    """The name of the metric that runs with this kind of target are compared by; higher is better.

    The kinds are "classes", "real", "unknown" for classes of which the last is the unknown, and "new" for classes that
    were learnt without a label.
    """
    return MAIN[target_kind][0]


def main_score(
    target_kind: str,
    outputs: Float[np.ndarray, "rows outputs"],
    y: Int[np.ndarray, "rows"] | Float[np.ndarray, "rows reals"],
) -> float:
    """The main metric of outputs against labels.

    It is `accuracy` of classes, `r2` of real targets, `hos` with an unknown, `cluster_accuracy` of new classes.
    """
    return MAIN[target_kind][1](outputs, y)


def top_k(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"], k: int = 5) -> float:
    """The part of rows whose label is among the `k` largest logits; a row with one that is not finite counts as wrong.

    Of equal logits the lower class comes first.
    """
    own = np.take_along_axis(logits, y[:, None], axis=1)
    before = (logits > own) | ((logits == own) & (np.arange(logits.shape[1]) < y[:, None]))
    return float((np.isfinite(logits).all(axis=1) & (before.sum(axis=1) < k)).mean())


def precision(confusion: Counts) -> list[float | None]:
    """Of the rows that were given a class, the part that is of it: C[c][c] / sum_t C[t][c]; None of no rows."""
    counts = np.asarray(confusion)
    return _parts(np.diag(counts), counts.sum(axis=0))


def f1(confusion: Counts, recall: Sequence[float | None]) -> list[float | None]:
    """Per class 2 P R / (P + R), P the precision and R the recall; None where the class occurs in neither.

    The recall is given beside, since rows that predict no class are in no column of the confusion matrix.
    """
    made = []
    for p, r in zip(precision(confusion), recall, strict=True):
        made.append(None if p is None and r is None else 2 * p * r / (p + r) if p and r else 0.0)
    return made


def mean_per_class(values: Sequence[float | None]) -> float | None:
    """The mean of a metric over the classes that have it; of the recall, the mean-per-class accuracy. None of none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _parts(hits: np.ndarray, rows: np.ndarray) -> list[float | None]:
    return [float(hit / count) if count else None for hit, count in zip(hits, rows, strict=True)]


def calibration_error(logits: Float[np.ndarray, "rows classes"], hit: np.ndarray) -> float:
    """Expected calibration error: sum over bins b of |b|/N * |accuracy(b) - confidence(b)|.

    15 bins of equal width, open below and closed above, over the confidence: the largest softmax probability.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = 1 / powers.sum(axis=1)  # the largest power is exp(0)
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    # |b|/N * |sum(hit)/|b| - sum(confidence)/|b|| needs no division by |b|, so an empty bin is no special case
    gaps = np.bincount(bins, hit, BINS) - np.bincount(bins, confidence, BINS)
    return float(np.abs(gaps).sum() / len(hit))
