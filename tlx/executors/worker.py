"""A worker: a process that takes groups of runs as lines of JSON, and tells what becomes of them as lines of JSON.

In: {"run": Runner.to_json(), "specs": [Spec.to_json(), ...]}. Out, for each: "started", "round" and "finished", and at
last "results" or "error". What is printed goes to stderr. Started by `tlx.executors.process`: `python -m
tlx.executors.worker CORES`.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from tlx.errors import ResultError
from tlx.runs.resolve import rebuild
from tlx.runs.result import Left, Result
from tlx.runs.runner import Runner
from tlx.runs.spec import Spec

if TYPE_CHECKING:
    from tlx.engine.train import Progress


class Wire:
    """The hooks of a run, told to who started this process."""

    def __init__(self, out: TextIO):
        self.out = out

    def tell(self, kind: str, **content: Any) -> None:
        """Writes a line; where nobody listens any more the process ends."""
        try:
            self.out.write(json.dumps({"kind": kind, **content}) + "\n")
            self.out.flush()
        except OSError:
            raise SystemExit(1) from None

    def tlx_run_started(self, spec: Spec) -> None:
        """As the hook."""
        self.tell("started", spec=spec.hash)

    def tlx_round_finished(self, spec: Spec, progress: "Progress") -> None:
        """As the hook."""
        metrics = {key: np.asarray(values).tolist() for key, values in progress.metrics.items()}
        self.tell("round", spec=spec.hash, progress=[*progress[:-1], metrics])

    def tlx_run_finished(self, spec: Spec, result: Result) -> None:
        """As the hook."""
        self.tell("finished", spec=spec.hash, result=result.to_json())


class Worker:
    """Runs groups; data that are loaded stay for the next group of the same task."""

    def __init__(self, wire: Wire):
        self.wire, self.asked, self.runner = wire, None, None

    def work(self, asked: Mapping[str, Any]) -> None:
        """Runs a group and tells its results."""
        try:
            if self.runner is None or self.asked != asked["run"]:
                self.asked, self.runner = asked["run"], Runner.from_json(asked["run"], self.wire)
            results = self.runner.grid([rebuild(Spec.from_json(fields)) for fields in asked["specs"]])
        except ResultError as error:
            self.wire.tell("error", error=str(error), ends=True)
        except Exception as error:
            traceback.print_exc()
            self.wire.tell("error", error=f"{type(error).__name__}: {error}", ends=False)
        else:
            self.wire.tell("results", left=isinstance(results[0], Left), results=[each.to_json() for each in results])


def main(arguments: Sequence[str]) -> None:
    """Works until its input ends. CORES are the numbers of those that it may use, with commas between."""
    if arguments and hasattr(os, "sched_setaffinity"):  # before JAX, which makes as many threads as it sees cores
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, [int(core) for core in arguments[0].split(",")])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; who started this process ends it
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a runner lets through: claims are released
    wire = Wire(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    worker = Worker(wire)
    try:
        for line in sys.stdin:
            worker.work(json.loads(line))
    except KeyboardInterrupt:
        sys.exit(143)


if __name__ == "__main__":
    main(sys.argv[1:])
