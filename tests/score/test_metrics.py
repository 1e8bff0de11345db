import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
    top_k_accuracy_score,
)

from tlx.score import accuracy, class_accuracy, main_metric, main_score, r2, real_scores, scores
from tlx.score.metrics import f1, mean_per_class, precision, top_k, unbalanced


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32) * 2


@pytest.fixture
def y(logits):
    noisy = logits + np.random.default_rng(1).normal(size=logits.shape) * 2
    return noisy.argmax(axis=1).astype(np.int32)


def test_unbalanced_is_of_the_classes_that_have_rows():
    assert unbalanced([3, 2, 0]) and not unbalanced([299, 200, 0]) and not unbalanced([0, 4]) and not unbalanced([])


def test_agrees_with_scikit_learn(logits, y):
    found, predicted = scores(logits, y), logits.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(accuracy_score(y, predicted))
    assert found["accuracy"] == accuracy(logits, y)
    assert class_accuracy(logits, y) == pytest.approx(balanced_accuracy_score(y, predicted))
    assert found["recall"] == pytest.approx(recall_score(y, predicted, average=None))  # pyright: ignore[reportArgumentType]
    assert found["macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"))
    assert found["confusion"] == confusion_matrix(y, predicted).tolist()


def test_per_class_metrics_agree_with_scikit_learn(logits, y):
    found, predicted = scores(logits, y), logits.argmax(axis=1)
    confusion, recall = found["confusion"], found["recall"]
    assert precision(confusion) == pytest.approx(precision_score(y, predicted, average=None))  # pyright: ignore[reportArgumentType]
    assert f1(confusion, recall) == pytest.approx(f1_score(y, predicted, average=None))  # pyright: ignore[reportArgumentType]
    assert mean_per_class(recall) == pytest.approx(balanced_accuracy_score(y, predicted))


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k_agrees_with_scikit_learn(logits, y, k):
    assert top_k(logits, y, k) == pytest.approx(top_k_accuracy_score(y, logits, k=k))


def test_top_5_is_of_more_than_five_classes(logits, y):
    assert scores(logits, y)["top5"] is None
    wide = np.concatenate([logits, logits[:, :2] + 1], axis=1)
    assert scores(wide, y)["top5"] == pytest.approx(top_k_accuracy_score(y, wide, k=5, labels=range(7)))


def test_top_k_of_equal_and_infinite_logits():
    assert top_k(np.zeros((4, 3)), np.array([0, 1, 2, 2]), 2) == 0.5
    assert top_k(np.array([[np.nan, 1.0], [0.0, 1.0]]), np.array([1, 1]), 1) == 0.5


def test_per_class_metrics_of_classes_without_rows():
    confusion = [[2, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert precision(confusion) == [pytest.approx(2 / 3), None, None]
    assert f1(confusion, [1.0, 0.0, None]) == [pytest.approx(0.8), 0.0, None]
    assert mean_per_class([1.0, 0.0, None]) == 0.5 and mean_per_class([None]) is None


def test_classes_without_rows(logits):
    y = np.array([0, 1, 1, 3] * 50, np.int32)
    logits[:, 4] = -50  # neither labelled nor predicted: not in macro-F1
    found, predicted = scores(logits, y), logits.argmax(axis=1)
    assert [value is None for value in found["recall"]] == [False, False, True, False, True]
    assert found["macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"))


def test_calibration_error_is_that_of_a_loop_over_bins(logits, y):
    powers = np.exp(logits.astype(np.float64))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    assert scores(logits, y)["ece"] == pytest.approx(expected, abs=1e-9)


def test_calibration_error_by_hand():
    sure = np.array([[100.0, 0.0]] * 4)
    assert scores(sure, np.array([0, 0, 0, 1]))["ece"] == pytest.approx(0.25)
    assert scores(sure * 0, np.array([0, 1, 0, 1]))["ece"] == pytest.approx(0.0)


def test_rows_that_are_not_finite_are_wrong(logits, y):
    logits = logits.copy()
    y = logits.argmax(axis=1)
    logits[0], logits[1, 2], logits[2] = np.nan, np.inf, -np.inf
    found = scores(logits, y)
    assert found["accuracy"] == pytest.approx(197 / 200) == accuracy(logits, y)
    assert np.sum(found["confusion"]) == 197
    assert found["ece"] is not None
    logits[:] = np.nan
    found = scores(logits, y)
    assert (found["accuracy"], found["macro_f1"], found["ece"], found["collapsed"]) == (0, 0, None, False)


def test_one_class_forbidden_is_a_finite_row():
    assert scores(np.array([[-np.inf, 0.0]]), np.array([1]))["accuracy"] == 1


@pytest.mark.parametrize(("rows", "collapsed"), [(89, False), (90, True), (100, True)])
def test_collapse_is_one_class_taking_nine_in_ten(rows, collapsed):
    predicted = np.array([0] * rows + [1, 2] * ((100 - rows) // 2 + 1))[:100]
    assert scores(np.eye(3)[predicted], np.arange(100) % 3)["collapsed"] is collapsed


@pytest.mark.parametrize("columns", [1, 3])
def test_real_targets_agree_with_scikit_learn(columns):
    random = np.random.default_rng(columns)
    y = random.normal(2, 3, (50, columns)).astype(np.float32)
    outputs = (y + random.normal(0, 1, y.shape)).astype(np.float32)
    found = real_scores(outputs, y)
    assert found["r2"] == r2(outputs, y) == pytest.approx(r2_score(y, outputs))
    assert found["rmse"] == pytest.approx(mean_squared_error(y.ravel(), outputs.ravel()) ** 0.5)
    assert found["mae"] == pytest.approx(mean_absolute_error(y, outputs))
    assert r2(-outputs, y) == pytest.approx(r2_score(y, -outputs)) and r2(-outputs, y) < 0


@pytest.mark.parametrize("met", [True, False])
def test_r2_of_a_constant_column_agrees_with_scikit_learn(met):
    y = np.stack([np.full(9, 2.0), np.arange(9.0)], axis=1).astype(np.float32)
    outputs = y + (0 if met else 1)
    assert r2(outputs, y) == pytest.approx(r2_score(y, outputs))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_real_outputs_that_are_not_finite_have_no_score(value):
    y = np.arange(6, dtype=np.float32)[:, None]
    outputs = y.copy()
    outputs[2] = value
    found = real_scores(outputs, y)
    assert np.isnan([found["r2"], found["rmse"], found["mae"]]).all()


def test_the_main_metric_of_each_kind_of_target(logits, y):
    assert (main_metric("classes"), main_metric("real")) == ("accuracy", "r2")
    assert main_score("classes", logits, y) == accuracy(logits, y)
    assert main_score("real", logits, logits) == 1.0
