"""How good the selectors are: what each would have picked, and how its scores rank evaluations."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from tlx.report.cells import BASELINE, Cell, cells
from tlx.report.tables import UNSCORED, Table, heading, legend, rank, row_name
from tlx.runs.result import Result
from tlx.score import weighted_kendall

Comparison = dict[str, Any]


def comparisons(results: Sequence[Result]) -> list[Comparison]:
    """One dict for each task, protocol and backbone, of the runs that finished and saw no label of the target.

    Where the target has no labels, what is of its accuracy is None, and no run has `picks`.

    `selectors` has a dict for each selector: `picked`, the mean target accuracy over runs and seeds where it picks;
    `regret`, how much that is below the best evaluation; and rank correlations of its scores with the target accuracy:
    `within` a run (Spearman's, the mean over runs and seeds), and over all evaluations of all runs `spearman` and
    `kendall` (weighted: agreement among the best counts more). None where too few evaluations say anything. `picks`
    has, for each run, the mean accuracy by selector. `choices` has, for each strategy of several runs, as in a sweep,
    the run that each selector would take: that of the highest score, the mean over seeds of the best evaluation's.
    """

    def key(result: Result) -> tuple[str, str, str]:
        return result.spec.task, result.spec.protocol, result.spec.backbone

    usable = [result for result in results if result.finished and result.curves and "labelled" not in result.sees]
    scored = cells(usable)
    return [_compare(list(group), scored) for _, group in groupby(sorted(usable, key=key), key)]


def _compare(results: Sequence[Result], scored: Sequence[Cell]) -> Comparison:
    hashes = {result.spec.hash for result in results}
    every = [cell for cell in scored if cell["hash"] in hashes]
    names = sorted({cell["selection"] for cell in every}, key=lambda name: rank(name, every))
    head = results[0].spec
    picks: dict[str, dict[str, float]] = {}
    for cell in every:
        if cell["mean"] is None:
            continue
        picks.setdefault(row_name(cell), {})[cell["selection"]] = cell["mean"]
    return {
        "task": head.task,
        "protocol": head.protocol,
        "backbone": head.backbone,
        "selectors": [_facts(name, results) for name in names],
        "picks": picks,
        "choices": _choices(names, results, every),
    }


def _choices(names: Sequence[str], results: Sequence[Result], every: Sequence[Any]) -> dict[str, dict[str, str]]:
    called = {cell["hash"]: row_name(cell) for cell in every}
    by_strategy: dict[str, list[Result]] = {}
    for result in results:
        by_strategy.setdefault(result.spec.strategy, []).append(result)
    choices: dict[str, dict[str, str]] = {}
    for strategy, runs in by_strategy.items():
        for name in names if len(runs) > 1 else ():
            scores = {run.spec.hash: score for run in runs if (score := _score_of(name, run)) is not None}
            if len(scores) == len(runs) and len(set(scores.values())) > 1:
                choices.setdefault(strategy, {})[name] = called[max(scores, key=lambda digest: scores[digest])]
    return choices


def _score_of(name: str, result: Result) -> float | None:
    """The selector's score of a run: the mean over seeds of its best evaluation's."""
    points = [point.selectors[name] for point in _last(result) if name in point.selectors]
    every = [np.array([own[seed] for own in points if own[seed] is not None]) for seed in _seeds(result)]
    return float(np.mean([scores.max() for scores in every])) if all(len(scores) for scores in every) else None


def _facts(name: str, results: Sequence[Result]) -> dict[str, Any]:
    having = [result for result in results if name in result.selections]
    scored = [result for result in having if result.metric]
    picked = [value for result in scored for value in result.accuracy(name)]
    tops = [max(point.target[seed] for point in _last(result)) for result in scored for seed in _seeds(result)]
    pairs = [_pairs(name, result, seed) for result in scored for seed in _seeds(result)]
    inside = [value for pair in pairs if (value := spearman(*pair)) is not None]
    pooled = tuple(np.concatenate(side) for side in zip(*pairs, strict=True)) if pairs else ((), ())
    return {
        "selector": name,
        "uses_target_labels": any(result.selections[name].uses_target_labels for result in having),
        "runs": len(having),
        "picked": float(np.mean(picked)) if picked else None,
        "regret": float(np.mean(tops) - np.mean(picked)) if picked else None,
        "within": float(np.mean(inside)) if inside else None,
        "spearman": spearman(*pooled),
        "kendall": kendall(*pooled),
    }


def _last(result: Result) -> list[Any]:
    return [point for point in result.curves if point.phase == result.curves[-1].phase]


def _seeds(result: Result) -> range:
    return range(len(result.spec.seeds))


def _pairs(name: str, result: Result, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The selector's scores and the target accuracies of the evaluations that it gave one."""
    both = [(point.selectors[name][seed], point.target[seed]) for point in _last(result) if name in point.selectors]
    kept = [(score, target) for score, target in both if score is not None]
    return np.array([score for score, _ in kept], float), np.array([target for _, target in kept], float)


def spearman(scores: Any, targets: Any) -> float | None:
    """Spearman's rank correlation; None of fewer than three pairs, or where one side is all the same."""
    from scipy.stats import spearmanr

    correlation: Any = spearmanr(scores, targets) if _says(scores, targets) else None
    return None if correlation is None else float(correlation.statistic)


def kendall(scores: Any, targets: Any) -> float | None:
    """Kendall's tau with hyperbolic weights, by which exchanges among the best count more; None as `spearman`."""
    return weighted_kendall(scores, targets) if _says(scores, targets) else None


def _says(scores: Any, targets: Any) -> bool:
    return len(scores) > 2 and len(set(scores)) > 1 and len(set(targets)) > 1


def selector_tables(results: Sequence[Result]) -> list[Table]:
    """Tables for each task, protocol and backbone: of the selectors, of what they pick for each run, and of which."""
    return [table for item in comparisons(results) for table in (_summary(item), *_picks(item), *_chosen(item))]


def _summary(item: Comparison) -> Table:
    headings = _headings(item)
    columns = ("selector", "runs", "picked", "below best", "in a run", "over all", "weighted tau")
    rows = [
        (
            headings[fact["selector"]],
            str(fact["runs"]),
            *(_score(fact[key]) for key in ("picked", "regret")),
            *(_signed_text(fact[key]) for key in ("within", "spearman", "kendall")),
        )
        for fact in item["selectors"]
    ]
    notes = [
        "picked: mean target test accuracy where it picks; below best: how far the best evaluation of a run is above",
        "rank correlation of its scores with target accuracy: Spearman's in a run (mean over runs and seeds) and over "
        "all evaluations of all runs, and over these Kendall's tau, weighted towards the best",
    ]
    notes += [] if item["picks"] else [f"{UNSCORED} the target has no labels: nothing can be scored"]
    return Table(f"selectors on {_title(item)}", columns, rows, notes + legend(rows))


def _picks(item: Comparison) -> list[Table]:
    if not item["picks"]:
        return []
    heads, picks = _headings(item), item["picks"]
    order = sorted(picks, key=lambda name: not name.startswith(BASELINE))
    by_run = [("strategy", *heads.values())]
    by_run += [(name, *(_score(picks[name].get(policy)) for policy in heads)) for name in order]
    # a page is higher than wide: the longer side goes down
    head, *rows = by_run if len(order) >= len(heads) else [("selector", *order), *list(zip(*by_run, strict=True))[1:]]
    return [Table(f"picked on {_title(item)}", head, rows, ["mean target test accuracy where each selector picks"])]


def _title(item: Comparison) -> str:
    return f"{item['task']} ({item['protocol']}, {item['backbone']})"


def _score(value: float | None) -> str:
    return UNSCORED if value is None else f"{value:.3f}"


def _headings(item: Comparison) -> dict[str, str]:
    """By selector: its name, marked where it reads labels of the target."""
    marked = [{**fact, "selection": fact["selector"]} for fact in item["selectors"]]
    return {fact["selector"]: heading(fact["selector"], marked) for fact in marked}


def _signed_text(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _chosen(item: Comparison) -> list[Table]:
    """For each strategy of several runs the run that each selector would take, and its accuracy where it picks."""
    headings = _headings(item)

    def table(strategy: str, taken: dict[str, str]) -> Table:
        rows = [(headings[name], run, _score(item["picks"].get(run, {}).get(name))) for name, run in taken.items()]
        notes = ["the run of the highest score, and its mean target test accuracy where the selector picks"]
        return Table(
            f"{strategy} chosen on {_title(item)}", ("selector", "takes", "target"), rows, notes + legend(rows)
        )

    return [table(strategy, taken) for strategy, taken in item["choices"].items()]
