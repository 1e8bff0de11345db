"""Tables of our committed results, for the pages that speak of them: no figure of these is typed."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from statistics import fmean

from built_in import registry

from tlx import Lab, reproduce
from tlx.reproduce.render import render
from tlx.runs.result import Result
from tlx.runs.store import load_all
from tlx.score.intervals import interval

RESULTS = Path(__file__).parents[1] / "benchmarks/results"
BASELINES = ("source_only", "joint_norm")


@cache
def results(folder: str) -> tuple[Result, ...]:
    """The committed results of a folder; every figure here is of the last evaluation, which needs no label."""
    return tuple(result for result in load_all(RESULTS / folder) if result.finished)


def figure(values: Iterable[float]) -> str:
    """The mean and half of its 95% t-interval."""
    middle, low, _ = interval(list(values), low=-1.0)
    return f"{middle:.3f}" if low is None else f"{middle:.3f} ±{middle - low:.3f}"


def table(rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; all columns but the first are aligned right."""
    head, *body = [list(row) for row in rows]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def quick(*settings: str) -> str:
    """quick-all: strategies of some settings, best mean first, and what they are above the two baselines."""
    every = {result.spec.strategy: result for result in results("quick-all")}
    means = {name: fmean(result.accuracy()) for name, result in every.items()}
    chosen = [name for name, result in every.items() if result.setting in settings or name in BASELINES]
    rows = [["strategy", "accuracy", *(f"above `{name}`" for name in BASELINES)]]
    for name in sorted(chosen, key=lambda name: -means[name]):
        above = [f"{means[name] - means[other]:+.3f}" for other in BASELINES]
        rows.append([f"`{name}`", figure(every[name].accuracy()), *above])
    return table(rows)


def closed() -> str:
    """The methods that were run on more than the small shift: digits by TLLib's network, objects on cached features."""
    digits = [result for result in results("tllib-digits") if result.spec.recipe.name == "digits-short"]
    columns = {
        f"{task} (digits)": over_seeds(result for result in digits if result.spec.task == task)
        for task in ("mnist->usps", "usps->mnist")
    }
    columns["Office-Caltech-10, 12 pairs"] = over_seeds(results("office-caltech10"))
    columns["mnist5k->optdigits"] = over_seeds(results("quick-all"))
    several = sorted(set().union(*list(columns.values())[:-1]) - {"source_only"})
    rows = [["strategy", *columns]]
    for name in ("source_only", *several):
        rows.append([f"`{name}`", *(figure(own[name]) if name in own else "-" for own in columns.values())])
    return table(rows)


def over_seeds(found: Iterable[Result]) -> dict[str, list[float]]:
    """By strategy, for each seed, the mean accuracy over the tasks."""
    by_strategy: dict[str, list[list[float]]] = {}
    for result in found:
        by_strategy.setdefault(result.spec.strategy, []).append(result.accuracy())
    return {name: [fmean(seed) for seed in zip(*runs, strict=True)] for name, runs in by_strategy.items()}


def labelled() -> str:
    """CIFAR-10 by a pretrained network, from 100 and 500 labelled rows a class, and from all."""
    rows = [["data", "strategy", "accuracy"]]
    for result in sorted(results("cifar10-transfer"), key=lambda result: (result.spec.task, result.spec.strategy)):
        rows.append([f"`{result.spec.task}`", f"`{result.spec.strategy}`", figure(result.accuracy())])
    return table(rows)


def shares() -> str:
    """Points of accuracy added by corrections of label shift on MNIST, the median over 100 trials, ours and theirs."""
    found = json.loads((RESULTS / "label-shift-mnist/cells.json").read_text())["cells"]
    methods = {"bbse-soft": "`bbse`", "rlls-soft": "`rlls`", "em+bcts": "`mlls`", "uncorrected": "uncorrected accuracy"}
    by_shift: dict[str, dict[str, str]] = {}
    for cell in found:
        if cell["method"] in methods and cell["shift"].endswith(" 8000"):
            both = f"{cell['ours'][0]:.2f} / {cell['theirs'][0]:.2f}"
            by_shift.setdefault(cell["shift"], {})[cell["method"]] = both
    rows = [["shift", *methods.values()]]
    rows += [[shift.removesuffix(" 8000"), *(own[method] for method in methods)] for shift, own in by_shift.items()]
    return table(rows)


def published() -> str:
    """TLLib's digits, theirs beside ours, with verdicts."""
    lab = Lab(registry=registry())
    table = lab.registry.get("tables", "tllib-digits")
    found = reproduce.report(lab, table, RESULTS / table.name)
    return render(found, table, "markdown").strip()


PARTS: dict[str, Callable[[], str]] = {
    "closed": closed,
    "unsupervised": lambda: quick("unsupervised"),
    "source_free": lambda: quick("source-free"),
    "test_time": lambda: quick("test-time"),
    "few_labels": lambda: quick("semi-supervised", "fine-tuning", "bound"),
    "labelled": labelled,
    "shares": shares,
    "published": published,
}
