"""Scores of a run: metrics, the choice of an evaluation, intervals over seeds, tests between methods. NumPy, SciPy."""

from tlx.score.clusters import assigned, cluster_accuracy
from tlx.score.intervals import bootstrap_interval, interval
from tlx.score.metrics import (
    accuracy,
    class_accuracy,
    collapsed,
    main_metric,
    main_score,
    mean_per_class,
    r2,
    real_scores,
    scores,
)
from tlx.score.open_set import open_scores
from tlx.score.selectors import Evidence, Sample, Selector, judge, pick, select
from tlx.score.statistics import CriticalDifference, Paired, clear_best, critical_difference, interquartile_mean, paired
from tlx.score.transferability import Pair, Transferability, weighted_kendall

__all__ = [
    "CriticalDifference",
    "Evidence",
    "Pair",
    "Paired",
    "Sample",
    "Selector",
    "Transferability",
    "accuracy",
    "assigned",
    "bootstrap_interval",
    "class_accuracy",
    "clear_best",
    "cluster_accuracy",
    "collapsed",
    "critical_difference",
    "interquartile_mean",
    "interval",
    "judge",
    "main_metric",
    "main_score",
    "mean_per_class",
    "open_scores",
    "paired",
    "pick",
    "r2",
    "real_scores",
    "scores",
    "select",
    "weighted_kendall",
]
