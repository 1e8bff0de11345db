"""Whether the numbers of a result can be what a run gave: as many as there are seeds, and each in its range."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlx.runs.result import CurvePoint, Result, Score

SLACK = 1e-6  # of shares that are sums of rounded parts
LONGEST = 1e10  # seconds
MOST = 2**53  # rows: the counts of NumPy's int64 can be added up below it
LOWEST = {"accuracy": -SLACK, "hos": -SLACK, "cluster": -SLACK, "r2": -math.inf}


def check(result: "Result") -> None:
    """Looks through a result that comes from a file.

    Raises:
        ValueError: something is missing, or a number is out of its range; the message says which.
        TypeError: a value in the spec is none that a spec holds.
    """
    hash(result.spec)  # reports group by parts of it
    seeds, times = len(result.spec.seeds), result.times
    _expect(seeds > 0, "it has no seeds")
    _expect(all(abs(item) <= LONGEST for item in (times.wall, times.compile, times.train)), "times: out of range")
    _expect(bool(result.selections) or not result.finished, "it is finished and has no selections")
    _expect(len(result.diverged) in (0, seeds), f"diverged: of other than {seeds} seeds")
    for name, selection in result.selections.items():
        _expect(len(selection.scores) == seeds, f"it has scores of other than {seeds} seeds")
        for score in selection.scores:
            _check_score(score, result.metric, name)
        _expect(len({_parts(score) for score in selection.scores}) == 1, f"{name}: seeds with other parts to score")
    sizes = {len(counts) for counts in result.rows.values()}
    _expect(sizes <= {len(result.classes)}, "rows: counts of other classes than there are")
    _expect(all(0 <= n < MOST for counts in result.rows.values() for n in counts), "rows: counts that are none")
    for number, point in enumerate(result.curves):
        _check_point(point, result.metric, seeds, f"curves[{number}]")


def _parts(score: "Score") -> tuple[object, ...]:
    """What has to be the same for all seeds, for means over them."""
    return (frozenset(score.targets), frozenset(score.metrics), len(score.recall), len(score.confusion))


def _check_score(score: "Score", metric: str | None, where: str) -> None:
    if metric is None:
        _expect(score.accuracy is None and not score.targets, f"{where}: a score, and no labels to score by")
    else:
        for value in (score.accuracy, *score.targets.values()):
            _expect_main(value, metric, where)
    shares = [score.macro_f1, score.ece, score.top5, *score.recall]
    if metric != "r2":
        shares += score.metrics.values()
    _expect(all(item is None or -SLACK <= item <= 1 + SLACK for item in shares), f"{where}: a share out of [0, 1]")
    size = len(score.confusion)
    square = all(len(row) == size for row in score.confusion) and (not size or len(score.recall) == size)
    _expect(square, f"{where}: a confusion matrix of another shape than its classes")
    _expect(all(0 <= count < MOST for row in score.confusion for count in row), f"{where}: counts that are none")
    _expect(0 <= score.step < MOST, f"{where}: step {score.step:.6g}")


def _check_point(point: "CurvePoint", metric: str | None, seeds: int, where: str) -> None:
    lists = [*point.metrics.values(), *point.selectors.values()]
    lists += [point.source_val] if point.source_val else []  # a task may have no source
    lists += [point.target] if metric else []
    _expect(all(len(values) == seeds for values in lists), f"{where}: numbers of other than {seeds} seeds")
    _expect(bool(metric) or not point.target, f"{where}: target scores, and no labels to score by")
    for value in (*point.target, *point.source_val):
        _expect_main(value, metric or "r2", where)  # without labels nothing says what the source's scores are


def _expect_main(value: float | None, metric: str, where: str) -> None:
    _expect(value is not None, f"{where}: it has no score")
    assert value is not None
    fits = math.isfinite(value) and LOWEST[metric] <= value <= 1 + SLACK
    _expect(fits, f"{where}: {metric} is {value:.6g}; expected at most 1{', at least 0' * (metric != 'r2')}")


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
