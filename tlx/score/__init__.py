"""Scores of a run: metrics, the choice of an evaluation, intervals over seeds. NumPy only."""

from tlx.score.intervals import interval
from tlx.score.metrics import accuracy, scores
from tlx.score.selectors import Evidence, Selector, select
from tlx.score.transferability import Pair, Transferability, weighted_kendall

__all__ = [
    "Evidence",
    "Pair",
    "Selector",
    "Transferability",
    "accuracy",
    "interval",
    "scores",
    "select",
    "weighted_kendall",
]
