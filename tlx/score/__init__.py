"""Scores of a run: metrics, the choice of an evaluation, intervals over seeds. NumPy only."""

from tlx.score.intervals import interval
from tlx.score.metrics import accuracy, scores
from tlx.score.selectors import Evidence, Selector, select

__all__ = ["Evidence", "Selector", "accuracy", "interval", "scores", "select"]
