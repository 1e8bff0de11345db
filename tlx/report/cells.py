"""Cells: one row of facts for each run and selection policy; what every report is made of."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tlx.bench.result import Result, Score
from tlx.score.intervals import interval

BASELINE = "source_only"
Cell = dict[str, Any]


def cells(results: Sequence[Result]) -> list[Cell]:
    """One dict for each result and selection policy, sorted by task, protocol, backbone, strategy.

    `mean`, `low`, `high` are the mean target test accuracy and its 95% t-interval over the `n` seeds of `scores`.
    `gain` is the mean less that of `source_only` on the same task, protocol and backbone, under the same selection and
    the same recipe or suite; None where there is none. `negative_transfer` says that it is below 0. `seconds` is wall
    time. `variant` holds what tells apart the runs of one strategy on one task. A failed or absent run has n = 0 and
    `error`.
    """
    policies = sorted({name for result in results for name in result.selections}) or ["last"]
    variants = _variants(results)
    made = [
        _cell(result, policy, variants[result.spec.hash], results)
        for result in results
        for policy in (result.selections if result.finished else policies)
    ]
    return sorted(made, key=_order)


def _cell(result: Result, policy: str, variant: dict[str, Any], results: Sequence[Result]) -> Cell:
    spec = result.spec
    selection = result.selections.get(policy)
    values = [score.accuracy for score in selection.scores] if selection else []
    mean, low, high = interval(values) if values else (None, None, None)
    gain = None
    if mean is not None and (baseline := _baseline(result, policy, results)) is not None:
        gain = mean - interval(baseline.accuracy(policy))[0]
    return {
        "task": spec.task,
        "strategy": spec.strategy,
        "backbone": spec.backbone,
        "protocol": spec.protocol,
        "selection": policy,
        "n": len(values),
        "mean": mean,
        "low": low,
        "high": high,
        "scores": values,
        "gain": gain,
        "seconds": result.times.wall,
        "negative_transfer": gain is not None and gain < 0,
        "uses_target_labels": bool(selection and selection.uses_target_labels),
        "metrics": _metrics(selection.scores if selection else []),
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


def _metrics(scores: Sequence[Score]) -> dict[str, Any]:
    """The mean over the seeds of what a run has besides the accuracy; a list has one number for each class."""
    names = ("top5", "mean_per_class", "macro_f1", "ece", "precision", "recall", "f1")
    return {name: _mean([getattr(score, name) for score in scores]) for name in names} if scores else {}


def _mean(values: Sequence[Any]) -> Any:
    """Of numbers or of lists of them, place by place; None where one has none."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], list):
        return [_mean(column) for column in zip(*values, strict=True)]
    return round(sum(values) / len(values), 6)


def _baseline(result: Result, policy: str, results: Iterable[Result]) -> Result | None:
    """The run of `source_only` to compare with: of the same recipe, or of the same suite, which may change recipes."""
    spec = result.spec

    def likeness(other: Result) -> tuple[bool, bool, bool, str]:
        same = (other.spec.recipe == spec.recipe, other.spec.seeds == spec.seeds, other.spec.suite == spec.suite)
        return (*same, other.times.started)

    fitting = [
        other
        for other in results
        if other.spec.strategy == BASELINE
        and policy in other.selections
        and (other.spec.task, other.spec.protocol, other.spec.backbone) == (spec.task, spec.protocol, spec.backbone)
        and (other.spec.recipe == spec.recipe or (other.spec.suite == spec.suite != ""))
    ]
    return max(fitting, key=likeness, default=None)


def _variants(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """By the hash of a spec: those of its settings, recipe fields and seeds in which its strategy's runs differ."""
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = defaultdict(dict)
    for spec in (result.spec for result in results):
        facts = dict(spec.settings) | {f"recipe.{key}": value for key, value in spec.recipe.to_json().items()}
        facts["seeds"] = len(spec.seeds)
        groups[spec.task, spec.protocol, spec.backbone, spec.strategy][spec.hash] = facts
    variants = {}
    for group in groups.values():
        keys = dict.fromkeys(key for facts in group.values() for key in facts)
        differing = [key for key in keys if len({repr(facts.get(key)) for facts in group.values()}) > 1]
        variants |= {digest: {key: facts.get(key) for key in differing} for digest, facts in group.items()}
    return variants


def place(cell: Cell) -> tuple[int, str, str]:
    """Within a table: the baseline first, bounds last; within a strategy by what tells its runs apart."""
    rank = 0 if cell["strategy"] == BASELINE else 2 if cell["setting"] == "bound" else 1
    return rank, cell["strategy"], str(cell["variant"])


def _order(cell: Cell) -> tuple:
    return (cell["task"], cell["protocol"], cell["backbone"], *place(cell), cell["hash"])
