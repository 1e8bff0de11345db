"""What the logits of one evaluation are worth against the labels.

Shape vocabulary: rows N, classes C.
"""

from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

BINS = 15
COLLAPSED = 0.9


class Metrics(TypedDict):
    """What `scores` gives. `confusion` counts [true class][predicted class]."""

    accuracy: float
    recall: list[float | None]
    macro_f1: float
    confusion: list[list[int]]
    ece: float | None
    collapsed: bool


def scores(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> Metrics:
    """Accuracy, recall per class, macro-F1, confusion, calibration error, and whether the classifier collapsed.

    A row whose largest logit is not finite predicts no class: it counts as wrong, and is in no column of the confusion
    matrix. The recall of a class without rows is None. Macro-F1 is the mean over the classes that occur in labels or
    predictions. `ece` is None where no row predicts. Collapsed: one class takes at least 0.9 of all rows.
    """
    classes = logits.shape[1]
    valid = np.isfinite(logits.max(axis=1))
    logits, true = logits[valid].astype(np.float64), y[valid]
    predicted = logits.argmax(axis=1)

    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    hits, given, rows = np.diag(confusion), confusion.sum(axis=0), np.bincount(y, minlength=classes)
    occurs = (rows + given) > 0
    f1 = 2 * hits[occurs] / (rows + given)[occurs]
    return {
        "accuracy": float(hits.sum() / len(y)),
        "recall": [float(hit / count) if count else None for hit, count in zip(hits, rows, strict=True)],
        "macro_f1": float(f1.mean()),
        "confusion": confusion.tolist(),
        "ece": calibration_error(logits, predicted == true) if len(true) else None,
        "collapsed": bool(given.max() >= COLLAPSED * len(y)),
    }


def accuracy(logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, "rows"]) -> float:
    """The part of rows whose largest logit, if it is finite, is the label's."""
    return float((np.isfinite(logits.max(axis=1)) & (logits.argmax(axis=1) == y)).mean())


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
