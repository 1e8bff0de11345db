"""Scores of a run: metrics, the choice of an evaluation, intervals over seeds. NumPy only."""

from tlx.score.intervals import interval
from tlx.score.metrics import accuracy, scores
from tlx.score.selectors import Evidence, Sample, Selector, judge, pick, select

__all__ = ["Evidence", "Sample", "Selector", "accuracy", "interval", "judge", "pick", "scores", "select"]
