"""What the logits of one evaluation are worth against the labels.

Shape vocabulary: rows N, classes C.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

BINS = 15
Counts = Sequence[Sequence[int]]
COLLAPSED = 0.9


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
    classes, top5 = logits.shape[1], top_k(logits, y) if logits.shape[1] > 5 else None
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
        "collapsed": bool(given.max() >= COLLAPSED * len(y)),
        "top5": top5,
    }


def accuracy(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> float:
    """The part of rows whose largest logit, if it is finite, is the label's."""
    return float((np.isfinite(logits.max(axis=1)) & (logits.argmax(axis=1) == y)).mean())


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
