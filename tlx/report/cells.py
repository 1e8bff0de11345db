"""Cells: one row of facts for each run and selection policy; what every report is made of."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from tlx.errors import UnknownName
from tlx.runs.convert import to_json
from tlx.runs.result import Result, Score, Selection
from tlx.score.intervals import INTERVALS
from tlx.score.intervals import interval as t_interval
from tlx.score.metrics import unbalanced
from tlx.score.statistics import clear_best, interquartile_mean, paired

BASELINE = "source_only"
Cell = dict[str, Any]


def cells(results: Sequence[Result], baseline: str | None = None, interval: str = "t") -> list[Cell]:
    """One dict for each result and selection policy, sorted by task, protocol, backbone, strategy.

    `mean`, `low`, `high` are the mean target test score and its 95% interval, "t" or "bootstrap", over the `n` seeds of
    `scores`; `metric` says what it is, "accuracy", "r2" or "hos", or None where the target has no labels: then there is
    none. `targets` has the mean on each of several targets, and `space` counts the classes of the label space. `iqm` is
    the interquartile mean of the scores. `best` says that this interval lies above those of all others in its column,
    of runs without target labels. `gain` is the mean less that of the baseline (`source_only`) on the same task,
    protocol and backbone, under the same selection, the same recipe or suite and the same data; None where there is
    none. `other_data` says that the data are not those of the baseline's run of the task, nor of most where there is
    none; nothing is compared with these. With a `baseline` given, `p_t` and `p_wilcoxon` are of paired tests on the
    shared seeds. `negative_transfer` says that the mean is below that of `source_only`. `unbalanced` says that the
    classes differ much in test rows, `rows` counts these by class, and then `mean_per_class` is no accuracy. `seconds`
    is wall time. `variant` holds what tells apart the runs of one strategy on a task: a recipe by its name, and by its
    fields where runs of one name differ. A failed or absent run has n = 0 and `error`.

    Raises:
        UnknownName: no such interval, or no result of the baseline.
    """
    if interval not in INTERVALS:
        raise UnknownName("interval", interval, INTERVALS)
    strategies = {result.spec.strategy for result in results}
    if baseline is not None and strategies and baseline not in strategies:
        raise UnknownName("baseline", baseline, strategies)
    policies = sorted({name for result in results for name in result.selections}) or ["last"]
    variants = _variants(results)
    usual = _usual_data(results, baseline or BASELINE)
    made = [
        _cell(result, policy, variants[result.spec.hash], results, baseline, interval)
        | {"data": result.data_hash, "other_data": _is_other(result, usual)}
        for result in results
        for policy in (result.selections if result.finished else policies)
    ]
    _mark_best(made)
    return sorted(made, key=_order)


def _mark_best(made: Sequence[Cell]) -> None:
    columns: dict[tuple[str, ...], list[Cell]] = defaultdict(list)
    for cell in made:
        if cell["mean"] is not None and "labelled" not in cell["sees"] and not cell["other_data"]:
            columns[cell["task"], cell["protocol"], cell["backbone"], cell["selection"]].append(cell)
    for column in columns.values():
        best = clear_best({cell["hash"]: (cell["mean"], cell["low"], cell["high"]) for cell in column})
        for cell in column:
            cell["best"] = cell["hash"] == best


def _cell(
    result: Result,
    policy: str,
    variant: dict[str, Any],
    results: Sequence[Result],
    baseline: str | None,
    interval: str,
) -> Cell:
    spec = result.spec
    selection = result.selections.get(policy)
    values = result.accuracy(policy) if selection and result.metric else []
    mean, low, high = mean_and_interval(values, interval, result.metric) if values else (None, None, None)

    def over(name: str) -> float | None:
        other = _baseline(result, policy, results, name) if mean is not None else None
        return None if other is None or mean is None else mean - fmean(other.accuracy(policy))

    gain, transfer, test = over(baseline or BASELINE), over(BASELINE), None
    if baseline not in (None, spec.strategy) and values:
        other = _baseline(result, policy, results, str(baseline))
        seeds = set(spec.seeds) & set(other.spec.seeds) if other else ()
        if other and seeds:
            theirs = dict(zip(other.spec.seeds, other.accuracy(policy), strict=True))
            test = paired(dict(zip(spec.seeds, values, strict=True)), theirs)
    return {
        "task": spec.task,
        "strategy": spec.strategy,
        "backbone": spec.backbone,
        "protocol": spec.protocol,
        "selection": policy,
        "n": len(selection.scores) if selection else 0,
        "mean": mean,
        "low": low,
        "high": high,
        "scores": values,
        "seeds": list(spec.seeds),
        "iqm": interquartile_mean(values) if values else None,
        "interval": interval,
        "best": False,
        "baseline": baseline or BASELINE,
        "gain": gain,
        "p_t": test and test.t_p,
        "p_wilcoxon": test and test.wilcoxon_p,
        "seconds": result.times.wall,
        "negative_transfer": transfer is not None and transfer < 0,
        "uses_target_labels": bool(selection and selection.uses_target_labels),
        "metric": result.metric,
        "metrics": (metrics := _metrics(selection.scores if selection else [])),
        "mean_per_class": metrics.get("mean_per_class"),
        "rows": (rows := _test_rows(result, selection)),
        "unbalanced": unbalanced(list(rows.values())),
        "targets": _targets(result, policy) if selection else {},
        "space": result.space and to_json(result.space),
        "collapsed": [score.collapsed for score in selection.scores] if selection else [],
        "diverged": list(result.diverged),
        "sees": list(result.sees),
        "setting": result.setting,
        "status": result.status,
        "error": result.error,
        "settings": dict(spec.settings),
        "recipe": spec.recipe.name,
        "variant": variant,
        "hash": spec.hash,
    }


def mean_and_interval(
    values: Sequence[float], name: str = "t", metric: str | None = None
) -> tuple[float, float | None, float | None]:
    """Mean, low and high of scores by the interval of that name; of R^2 no score is too low."""
    if name == "t" and metric == "r2":
        return t_interval(values, low=-math.inf)
    return INTERVALS[name](values)


def _test_rows(result: Result, selection: Selection | None) -> dict[str, int]:
    """The test rows of each class by name; of results that do not tell, by number, those that some class was given."""
    told = result.rows.get("test")
    if told is None and selection and selection.scores:
        told = [sum(row) for row in selection.scores[0].confusion]
    names = result.classes or map(str, range(len(told or ())))
    return dict(zip(names, told or (), strict=False))


def _targets(result: Result, policy: str) -> dict[str, float]:
    return {name: round(fmean(values), 6) for name, values in result.targets(policy).items()}


def _metrics(scores: Sequence[Score]) -> dict[str, Any]:
    """The mean over the seeds of what a run has besides the accuracy; a list has one number for each class."""
    names = ("top5", "mean_per_class", "macro_f1", "ece", "precision", "recall", "f1")
    if not scores:
        return {}
    every = {name: _mean([getattr(score, name) for score in scores]) for name in names}
    return every | {name: _mean([score.metrics[name] for score in scores]) for name in scores[0].metrics}


def _mean(values: Sequence[Any]) -> Any:
    """Of numbers or of lists of them, place by place; None where one has none."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], list):
        return [_mean(column) for column in zip(*values, strict=True)]
    return round(sum(values) / len(values), 6)


def _baseline(result: Result, policy: str, results: Iterable[Result], name: str) -> Result | None:
    """The run of a baseline to compare with: of the same recipe, or of the same suite, which may change recipes."""
    spec = result.spec

    def likeness(other: Result) -> tuple[bool, bool, bool, str]:
        same = (other.spec.recipe == spec.recipe, other.spec.seeds == spec.seeds, other.spec.suite == spec.suite)
        return (*same, other.times.started)

    fitting = [
        other
        for other in results
        if other.spec.strategy == name
        and policy in other.selections
        and other.metric
        and (other.spec.task, other.spec.protocol, other.spec.backbone) == (spec.task, spec.protocol, spec.backbone)
        and not _differ(other.data_hash, result.data_hash)
        and (other.spec.recipe == spec.recipe or (other.spec.suite == spec.suite != ""))
    ]
    return max(fitting, key=likeness, default=None)


def _usual_data(results: Sequence[Result], baseline: str) -> dict[tuple[str, str], str]:
    """By task and protocol the hash of the data that its runs are compared on."""
    groups: dict[tuple[str, str], list[tuple[bool, str]]] = defaultdict(list)
    for result in results:
        if result.finished and result.data_hash:
            spec = result.spec
            groups[spec.task, spec.protocol].append((spec.strategy == baseline, result.data_hash))
    return {key: max(group, key=lambda item: (item[0], group.count(item), item[1]))[1] for key, group in groups.items()}


def _is_other(result: Result, usual: Mapping[tuple[str, str], str]) -> bool:
    """Whether a result is of other data than those that its task's runs are compared on."""
    return _differ(result.data_hash, usual.get((result.spec.task, result.spec.protocol), ""))


def _differ(one: str, other: str) -> bool:
    """Whether two hashes of data are known and differ."""
    return bool(one and other) and one != other


def _variants(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """By the hash of a spec: those of its settings, recipe, weights and seeds in which its strategy's runs differ.

    What tells a strategy's runs apart on one task is told on all, so that a method has one name in all tables. Recipes
    are told apart by their names, and by fields only where runs of one name differ.
    """
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = defaultdict(dict)
    told: dict[str, dict[str, None]] = defaultdict(dict)
    for spec in (result.spec for result in results):
        facts = dict(spec.settings) | {"recipe": spec.recipe.name}
        facts |= {f"recipe.{key}": value for key, value in spec.recipe.to_json().items() if key != "name"}
        facts |= {"pretrained": spec.weights, "seeds": len(spec.seeds)}
        groups[spec.strategy, spec.task, spec.protocol, spec.backbone][spec.hash] = facts
    for (strategy, *_), group in groups.items():
        told[strategy] |= dict.fromkeys(_differing(list(group.values())))
    return {
        digest: {key: facts.get(key) for key in told[strategy]}
        for (strategy, *_), group in groups.items()
        for digest, facts in group.items()
    }


def _differing(facts: Sequence[dict[str, Any]]) -> list[str]:
    """The keys in which runs differ: of those of a recipe, in which runs of one recipe's name do."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for key in dict.fromkeys(key for own in facts for key in own):
        for own in facts:
            values[key][own["recipe"] if key.startswith("recipe.") else ""].add(repr(own.get(key)))
    return [key for key, sets in values.items() if any(len(found) > 1 for found in sets.values())]


def place(cell: Cell) -> tuple[int, str, str]:
    """Within a table: the baseline first, bounds last; within a strategy by what tells its runs apart."""
    rank = 0 if cell["strategy"] == BASELINE else 2 if cell["setting"] == "bound" else 1
    return rank, cell["strategy"], str(cell["variant"])


def _order(cell: Cell) -> tuple[Any, ...]:
    return (cell["task"], cell["protocol"], cell["backbone"], *place(cell), cell["hash"])
