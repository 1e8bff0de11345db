"""Metrics of open sets, against scikit-learn and by hand."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from tlx.score import main_score, open_scores

RNG = np.random.default_rng(3)
Y = RNG.integers(0, 4, 200)
LOGITS = (RNG.normal(size=(200, 4)) + 1.2 * np.eye(4)[Y]).round(1)  # rounded, so that some margins tie


def oscr(logits, y):
    """By its definition, threshold by threshold."""
    margin, right = logits[:, 3] - logits[:, :3].max(1), logits[:, :3].argmax(1) == y
    points = [(0.0, 0.0)]
    for t in np.unique(margin):
        points.append((np.mean(margin[y == 3] <= t), np.mean((margin <= t)[y != 3] & right[y != 3])))
    x, height = zip(*points, strict=True)
    return np.trapezoid(height, x)


def test_all_of_them_against_scikit_learn():
    found: Any = open_scores(LOGITS, Y)
    predicted, by_class = LOGITS.argmax(1), dict[str, Any](average=None)
    recall = np.asarray(recall_score(Y, predicted, **by_class))
    assert found["os"] == pytest.approx(balanced_accuracy_score(Y, predicted))
    assert (found["known"], found["unknown"]) == (pytest.approx(recall[:3].mean()), pytest.approx(recall[3]))
    assert found["hos"] == pytest.approx(2 / (1 / recall[:3].mean() + 1 / recall[3]))
    assert found["auroc"] == pytest.approx(roc_auc_score(Y == 3, LOGITS[:, 3] - LOGITS[:, :3].max(1)))
    assert found["oscr"] == pytest.approx(oscr(LOGITS, Y)) and found["oscr"] < found["auroc"]
    assert found["all"] == pytest.approx(np.mean(predicted == Y))
    assert main_score("unknown", LOGITS, Y) == found["hos"]


def test_accuracy_is_no_measure_of_an_open_set():
    """The trap: where most rows are unknown, one that takes all for unknown has a high accuracy; its HOS is 0."""
    y, logits = np.array([0, 1, 2, 2, 2, 2, 2, 2]), np.tile(np.array([0, 0, 5], np.float32), (8, 1))
    found = open_scores(logits, y)
    assert (found["all"], found["unknown"], found["known"], found["hos"]) == (0.75, 1.0, 0.0, 0.0)


def test_a_class_without_rows_and_outputs_that_are_not_finite():
    assert open_scores(LOGITS[Y < 3], Y[Y < 3])["hos"] is None
    assert np.isnan(main_score("unknown", LOGITS[Y == 3], Y[Y == 3]))
    found = open_scores(np.full((4, 3), np.nan, np.float32), np.array([0, 1, 2, 2]))
    assert found == {"os": 0, "known": 0, "unknown": 0, "hos": 0, "all": 0, "oscr": 0, "auroc": 0}
