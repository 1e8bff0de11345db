"""Whether a difference between methods is more than chance: over seeds, and over tasks. SciPy's tests, put together."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Paired(NamedTuple):
    """A method less a baseline on the seeds that both have; p-values are two-sided, None where a test says nothing."""

    n: int
    difference: float
    t_p: float | None
    wilcoxon_p: float | None


class CriticalDifference(NamedTuple):
    """Mean ranks (1 is best, best first), Nemenyi's critical difference, Friedman's p, and who cannot be told apart.

    `groups` are the largest sets of methods, best first, whose ranks lie within `cd` of each other.
    """

    ranks: dict[str, float]
    cd: float
    p: float
    groups: list[tuple[str, ...]]


def paired(scores: Mapping[int, float], baseline: Mapping[int, float]) -> Paired:
    """The paired t-test and Wilcoxon's signed-rank test on the shared seeds; both arguments are scores by seed.

    One shared seed, or differences that are all equal, give no t-test, and differences that are all 0 no Wilcoxon test.
    With n seeds Wilcoxon's p is never below 2^(1 - n): five seeds cannot reach 0.05, and six can.

    Raises:
        ValueError: no shared seed.
    """
    shared = sorted(scores.keys() & baseline.keys())
    if not shared:
        raise ValueError(f"paired() got seeds {sorted(scores)} and {sorted(baseline)}; expected a shared one.")
    from scipy.stats import ttest_rel, wilcoxon  # imported here: reports without tests need not wait for it

    ours, theirs = ([values[seed] for seed in shared] for values in (scores, baseline))
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    difference = math.fsum(gaps) / len(gaps)
    varied = len(gaps) > 1 and not np.allclose(gaps, difference, rtol=0, atol=1e-12)
    signed: Any = wilcoxon(gaps) if len(gaps) > 1 and any(gaps) else None  # its type is inferred, wrongly
    return Paired(
        len(gaps),
        difference,
        float(ttest_rel(ours, theirs).pvalue) if varied else None,
        float(signed.pvalue) if signed else None,
    )


def critical_difference(scores: Mapping[str, Sequence[float]], level: float = 0.05) -> CriticalDifference:
    """Friedman's test over tasks, and Nemenyi's critical difference of mean ranks; higher scores are better.

    `scores` has for each method one score a task, the tasks in the same order for all: k methods, N tasks.
    CD = q sqrt(k (k + 1) / (6 N)), q the studentized range's quantile for k groups, over sqrt 2. Ties share their rank.

    Raises:
        ValueError: fewer than three methods or two tasks, unequal lengths, or a score that is not finite.

    Reference: Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006.
    """
    methods, counts = len(scores), {len(values) for values in scores.values()}
    if methods < 3 or len(counts) != 1 or min(counts) < 2:
        got = f"{methods} methods on {' or '.join(map(str, sorted(counts))) or 'no'} tasks"
        raise ValueError(
            f"critical_difference() got {got}; expected three methods or more, all on the same two or more."
        )
    table = np.array(list(scores.values()), np.float64)
    if not np.isfinite(table).all():
        raise ValueError("critical_difference() got a score that is not finite; expected finite ones.")
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    means = rankdata(-table, axis=0).mean(axis=1)
    tied = (table == table[0]).all()  # there is nothing to test
    p = 1.0 if tied else float(friedmanchisquare(*table).pvalue)
    tasks = table.shape[1]
    quantile = float(studentized_range.ppf(1 - level, methods, np.inf)) / math.sqrt(2)
    cd = quantile * math.sqrt(methods * (methods + 1) / (6 * tasks))
    ranks = dict(sorted(zip(scores, map(float, means), strict=True), key=lambda item: item[1]))
    return CriticalDifference(ranks, cd, p, _groups(ranks, cd))


def _groups(ranks: Mapping[str, float], cd: float) -> list[tuple[str, ...]]:
    names, groups, reached = list(ranks), [], 0
    for start, name in enumerate(names):
        end = max(index for index, other in enumerate(names) if ranks[other] <= ranks[name] + cd) + 1
        if end - start > 1 and end > reached:  # one that ends where the last did lies within it
            groups.append(tuple(names[start:end]))
            reached = end
    return groups


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and the highest quarter, floor(n / 4) values each: of three values, their mean.

    Raises:
        ValueError: no value.

    Reference: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021.
    """
    if not len(values):
        raise ValueError("interquartile_mean() got no values; expected one or more.")
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    return math.fsum(kept) / len(kept)


def clear_best(intervals: Mapping[str, tuple[float, float | None, float | None]]) -> str | None:
    """Which method is best beyond doubt: its interval (mean, low, high) lies above all others. None if there is none.

    A score without an interval, of one seed, can be above or below anything: with one among them nothing is clear.
    """
    if len(intervals) < 2:
        return None
    best = max(intervals, key=lambda name: intervals[name][0])
    low = intervals[best][1]
    highs = [high for name, (_, _, high) in intervals.items() if name != best]
    if low is None or any(high is None or high >= low for high in highs):
        return None
    return best
