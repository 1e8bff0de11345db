"""What does the work in another process: a worker of orders, and a wire by which it tells what becomes of them.

A line of JSON each: "started", "round" and "finished", and at last "results" or "error"; `tlx.executors.order` has the
other end.
"""

import json
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tlx.errors import ResultError
from tlx.plugins import Registry
from tlx.runs.plan import Plan
from tlx.runs.resolve import rebuild
from tlx.runs.result import Left, Result
from tlx.runs.runner import Runner
from tlx.runs.spec import Spec

if TYPE_CHECKING:
    from tlx.engine.train import Progress


class Out(Protocol):
    """Where lines are written: a file, or what does as one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


class Wire:
    """The hooks of a run, told to who started this process."""

    def __init__(self, out: Out):
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
    """Runs groups; data that are loaded stay for the next group of the same task.

    Without a `registry` it loads the plugin files that the specs name.
    """

    def __init__(self, wire: Wire, registry: Registry | None = None):
        self.wire, self.registry, self.asked, self.runner = wire, registry, None, None

    def work(self, asked: Mapping[str, Any]) -> None:
        """Runs a group and tells its results."""
        try:
            if self.runner is None or self.asked != asked["run"]:
                self.asked, self.runner = asked["run"], Runner.from_json(asked["run"], self.wire)
                self.runner.registry = self.registry
            jobs = [rebuild(Spec.from_json(fields), self.registry) for fields in asked["specs"]]
            Plan([], **asked["code"]).check(jobs)
            results = self.runner.grid(jobs)
        except ResultError as error:
            self.wire.tell("error", error=str(error), ends=True)
        except Exception as error:
            traceback.print_exc()
            self.wire.tell("error", error=f"{type(error).__name__}: {error}", ends=False)
        else:
            self.wire.tell("results", left=isinstance(results[0], Left), results=[each.to_json() for each in results])
