"""The result of a run: made in one place, from how the run ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tlx.data import TaskData
from tlx.errors import DataAbsent, TlxError
from tlx.runs.environment import environment
from tlx.runs.identity import Code
from tlx.runs.resolve import Job
from tlx.runs.result import CurvePoint, Left, Result, Times
from tlx.runs.scoring import kind_of, main_number, metric_of, rows_of, space_of
from tlx.runs.select import Selected, candidates

if TYPE_CHECKING:
    from tlx.engine.train import Outcome


class Ending(NamedTuple):
    """How a run ended: with the engine's outcome and what the selectors say of it, or with an error.

    `data` are the task's arrays, None where they could not be loaded; `trace` is the error's traceback.
    """

    data: TaskData | None
    outcome: "Outcome | None" = None
    selected: Mapping[str, Selected] = {}
    error: BaseException | None = None
    trace: str = ""


def make_result(job: Job, ending: Ending, code: Code, started: str, wall: float) -> Result:
    """The result of a job of that code that took `wall` seconds: finished, failed, or absent where its data are."""
    data, outcome, error = ending.data, ending.outcome, ending.error
    facts: dict[str, Any] = {
        "spec": job.spec,
        "command": job.spec.command,
        "setting": type(job.strategy).setting,
        "code": code.strategy,
        "identity": dict(code.parts),
    }
    if data is not None:
        facts |= {"data_hash": data.hash, "metric": metric_of(data), "space": space_of(data)}
        facts |= {"classes": data.space.names, "rows": rows_of(data)}
    if data is None or outcome is None:
        absent = isinstance(error, DataAbsent)
        return Result(
            **facts,
            status="absent" if absent else "failed",
            environment=environment(),
            times=Times(started, wall),
            error=_printable(str(error) if isinstance(error, TlxError) else f"{type(error).__name__}: {error}"),
            traceback=None if absent else _printable(ending.trace),
        )
    return Result(
        **facts,
        status="finished",
        environment=environment(outcome.device),
        times=Times(started, wall, round(outcome.compile_seconds, 3), round(outcome.train_seconds, 3)),
        sees=tuple(sorted(outcome.sees)),
        diverged=[bool(item) for item in outcome.diverged],
        selections={name: item.selection for name, item in ending.selected.items()},
        asked=list(outcome.asked),
        curves=_curves(outcome, data, ending.selected),
    )


def make_left(job: Job, started: str) -> Left:
    """What stands for the result of a job that another process is at."""
    facts = {"status": "absent", "environment": environment(), "times": Times(started, 0.0)}
    return Left(job.spec, job.spec.command, **facts, error="another process runs it")


def _curves(outcome: "Outcome", data: TaskData, selected: Mapping[str, Selected]) -> list[CurvePoint]:
    first = len(outcome.evaluations) - len(candidates(outcome))
    return [
        CurvePoint(
            phase=evaluation.phase,
            step=int(evaluation.step),
            metrics={key: [_number(value) for value in values] for key, values in sorted(evaluation.metrics.items())},
            source_val=[
                main_number(data.target_kind, outputs, data.source_val.y)
                for outputs in evaluation.source_logits
                if len(outputs)
            ],
            target=[
                main_number(kind_of(data), outputs, data.test.y)
                for outputs in evaluation.target_logits
                if data.scorable
            ],
            selectors={
                name: [_number(values[number - first]) for values in item.opinions] for name, item in selected.items()
            }
            if number >= first
            else {},
        )
        for number, evaluation in enumerate(outcome.evaluations)
    ]


def _printable(text: str) -> str:
    """The text, with an escape for what UTF-8 has not: the bytes of some file names."""
    return text.encode(errors="backslashreplace").decode()


def _number(value: Any) -> float | None:
    """Six digits, as float32 has; None for what JSON cannot hold."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
