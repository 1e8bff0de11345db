"""A figure that is the mean over several tasks: one cell, of the cells and scores of all of them."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from tlx.data.task_names import parse
from tlx.report.cells import mean_and_interval
from tlx.reproduce.literature import Figure

Cell = dict[str, Any]
Scores = Sequence[float]


def title(figure: Figure) -> str:
    """What is in the place of a task: "mean of a->b and b->a"."""
    names = [str(parse(name)._replace(protocol=None)) for name in figure.mean_of]
    if len(names) == 2:
        return f"mean of {names[0]} and {names[1]}"
    return f"mean of {len(names)} tasks, {names[0]} to {names[-1]}"


def lacking(figure: Figure, parts: Sequence[Cell]) -> str:
    """Why there is no mean: the reason of a task without a score, failed ones first; "" where all have one."""
    without = [cell["why"] for cell in parts if cell["ours"] is None]
    told = sorted({*without} - {"not run yet"}, key=lambda why: (not why.startswith("failed: "), why))
    if told:
        return told[0]
    done = len(parts) - len(without)
    if done == len(figure.mean_of):
        return ""
    return f"{done} of its {len(figure.mean_of)} tasks run" if done else "not run yet"


def over_tasks(scores: Sequence[Scores]) -> tuple[float, float | None, float | None]:
    """Mean and 95% t-interval over seeds of each seed's mean over the tasks, of the seeds that every task has."""
    return mean_and_interval([fmean(each) for each in zip(*scores, strict=False)])


def joined(figure: Figure, parts: Sequence[Cell]) -> Cell:
    """What the mean's cell has of its tasks' cells, but for scores and verdict."""
    head = parts[0]
    devices = dict.fromkeys(cell["device"] for cell in parts if cell["device"])
    return head | {
        "task": title(figure),
        "protocol": " and ".join(dict.fromkeys(cell["protocol"] for cell in parts)),
        "n": min(cell["n"] for cell in parts),
        "collapsed": max((cell["collapsed"] or 0 for cell in parts), default=None),
        "negative_transfer": any(cell["negative_transfer"] for cell in parts),
        "device": " and ".join(devices) or None,
        "seconds": sum(cell["seconds"] or 0 for cell in parts) or None,
        "command": "\n".join(cell["command"] for cell in parts if cell["command"]) or None,
        "hash": "+".join(cell["hash"] for cell in parts if cell["hash"]) or None,
    }
