"""Results as a pandas DataFrame: a row for each result, selection policy and seed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tlx.errors import SettingError

if TYPE_CHECKING:
    import pandas

    from tlx.runs.result import Result


def frame(results: Sequence["Result"]) -> "pandas.DataFrame":
    """A DataFrame with a row for each result, selection policy and seed; a run that has no scores has one row.

    Columns: task, protocol, backbone, strategy, recipe, suite; `set.KEY` for each setting in which the runs of a
    strategy differ; seed, selection, `uses_target_labels` (the policy reads them: an upper bound), `step` picked;
    `metric` and `score`, the main one on the targets' test rows; mean_per_class, macro_f1, ece, top5 and the metrics of
    the setting; collapsed, diverged; setting, `seconds` of the whole run, status, error, hash. What is not there is
    None or NaN.

    Raises:
        SettingError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise SettingError("A DataFrame needs pandas: pip install 'tlx[pandas]'.") from error
    return pandas.DataFrame([row for result in results for row in _rows(result, _differing(results))])


def _differing(results: Sequence["Result"]) -> list[str]:
    """The settings of which runs of one strategy have several values."""
    values: dict[tuple[str, str], set[str]] = {}
    for spec in (result.spec for result in results):
        for key, value in spec.settings:
            values.setdefault((spec.strategy, key), set()).add(repr(value))
    return sorted({key for (_, key), found in values.items() if len(found) > 1})


def _rows(result: "Result", settings: Sequence[str]) -> list[dict[str, Any]]:
    spec, given = result.spec, dict(result.spec.settings)
    head = {name: getattr(spec, name) for name in ("task", "protocol", "backbone", "strategy")}
    head |= {"recipe": spec.recipe.name, "suite": spec.suite, **{f"set.{key}": given.get(key) for key in settings}}
    tail = {"setting": result.setting, "seconds": result.times.wall, "status": result.status, "error": result.error}
    tail["hash"] = spec.hash
    if not result.selections:
        return [head | tail]
    return [
        head
        | {
            "seed": seed,
            "selection": policy,
            "uses_target_labels": selection.uses_target_labels,
            "step": score.step,
            "metric": result.metric,
            "score": score.accuracy,
            **{name: getattr(score, name) for name in ("mean_per_class", "macro_f1", "ece", "top5")},
            **score.metrics,
            "collapsed": score.collapsed,
            "diverged": diverged,
        }
        | tail
        for policy, selection in result.selections.items()
        for seed, score, diverged in zip(spec.seeds, selection.scores, result.diverged, strict=True)
    ]
