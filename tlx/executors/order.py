"""What is asked of a worker and what it tells, as JSON, at the end of who asks; `tlx.executors.wire` is the other."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tlx.errors import ResultError, TlxError
from tlx.runs.plan import made_with
from tlx.runs.resolve import Job
from tlx.runs.result import Left, Result
from tlx.runs.runner import Runner

Tell = Callable[[str, dict[str, Any]], None]
"""Called with the name of a hook of a run and its arguments."""


class ProcessDied(TlxError):
    """A worker ended before its group did; the message says by what."""


class CannotRun(ProcessDied):
    """A worker says that nothing can run in it; the message is what it says."""


def order(run: Runner, jobs: Sequence[Job]) -> dict[str, Any]:
    """What a worker is asked: to run a group of jobs as `run` would, by the code that is here."""
    specs = {job.spec.hash: job.spec for job in jobs}
    return {"run": run.to_json(), "code": made_with(jobs), "specs": [spec.to_json() for spec in specs.values()]}


def hear(told: Mapping[str, Any], jobs: Sequence[Job], tell: Tell) -> list[Result] | None:
    """Passes on to the hooks what a worker tells of a group; the results where those are what it tells.

    Raises:
        CannotRun: nothing can run there.
        ResultError: a result cannot be written there, or there is other code than here.
    """
    if told["kind"] == "results":
        kind = Left if told["left"] else Result
        return [kind.parse(json.dumps(fields)) for fields in told["results"]]
    if told["kind"] == "error":
        raise (ResultError if told["ends"] else CannotRun)(told["error"])
    [spec] = {job.spec.hash: job.spec for job in jobs if job.spec.hash == told["spec"]}.values()
    if told["kind"] == "started":
        tell("tlx_run_started", {"spec": spec})
    elif told["kind"] == "round":
        from tlx.engine.train import Progress

        *position, metrics = told["progress"]
        progress = Progress._make([*position, {key: np.array(values) for key, values in metrics.items()}])
        tell("tlx_round_finished", {"spec": spec, "progress": progress})
    else:
        tell("tlx_run_finished", {"spec": spec, "result": Result.parse(json.dumps(told["result"]))})
    return None


class Elsewhere(Runner):
    """A runner for engines whose workers do not see the folder: it holds the claims, and writes what `do` gives.

    `do` has a group run and gives its results; `tell` hears of each one that is written.
    """

    def __init__(self, run: Runner, do: Callable[[Sequence[Job]], list[Result]], tell: Tell):
        super().__init__(run.registry, run.store, run.embeddings, run.save, run.filling)
        self.do, self.tell = do, tell

    def _run(self, jobs: Sequence[Job], following: Sequence[Job] = ()) -> list[Result]:
        results = self.do(jobs)
        for result in results:
            if self.store:
                self.store.write(result)
            self.tell("tlx_run_finished", {"spec": result.spec, "result": result})
        return results
