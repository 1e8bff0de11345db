"""A worker process from outside: it is started at its place, given groups, listened to, and ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tlx.errors import SettingError, TlxError
from tlx.executors.order import CannotRun, ProcessDied, Tell, hear, order
from tlx.runs.resolve import Job
from tlx.runs.result import Result
from tlx.runs.runner import Runner

PATIENCE = 10.0  # seconds for a worker to end by itself


@dataclass(frozen=True)
class Place:
    """Where a worker runs: its number, the cores that it may use, and variables of its environment."""

    number: int
    cores: tuple[int, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


class Process:
    """A worker process, spawned; its log is `logs/worker-N.log` beside the results."""

    def __init__(self, place: Place, run: Runner):
        self.run = run
        self.log = run.store.folder / "logs" / f"worker-{place.number}.log" if run.store else None
        command = [sys.executable, "-m", "tlx.executors.worker", ",".join(map(str, place.cores))]
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # the same modules as here
        with contextlib.ExitStack() as opened:
            log: Any = None
            if self.log:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                log = opened.enter_context(self.log.open("ab"))
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **place.environ, "PYTHONPATH": path},
            )

    def grid(self, jobs: Sequence[Job], tell: Tell) -> list[Result]:
        """The results of a group, as `Runner.grid` gives them; hooks are told meanwhile.

        Raises:
            ProcessDied: the process ended, or nothing can run in it.
            ResultError: a result cannot be written, or the process has other code than this one.
        """
        assert self.child.stdin and self.child.stdout
        try:
            self.child.stdin.write(json.dumps(order(self.run, jobs)) + "\n")
            self.child.stdin.flush()
            for line in self.child.stdout:
                if (results := hear(json.loads(line), jobs, tell)) is not None:
                    return results
        except CannotRun as error:
            raise ProcessDied(f"its process cannot run it: {error}{self._where()}") from None
        except (BrokenPipeError, json.JSONDecodeError):  # it died, in the middle of a line perhaps
            pass
        raise ProcessDied(f"its process {self._why()}{self._where()}")

    def end(self) -> None:
        """Ends the process: at once where it is idle, else after its claims are released."""
        assert self.child.stdin and self.child.stdout
        with contextlib.suppress(OSError):
            self.child.stdin.close()
        self.child.terminate()
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def _why(self) -> str:
        try:
            code = self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "closed its output"
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"was killed by {name}{', as for lack of memory' if name == 'SIGKILL' else ''}"

    def _where(self) -> str:
        return f"; its log is {self.log}" if self.log else ""


class _Lost(Runner):
    """A runner whose every run fails for a given reason."""

    def __init__(self, run: Runner, error: TlxError):
        super().__init__(run.registry, run.store, filling="wait", hook=run.hook)
        self.error = error

    def _load(self, job: Job, identities: Any) -> NoReturn:
        raise self.error


def give_up(run: Runner, jobs: Sequence[Job], error: TlxError) -> list[Result]:
    """The results of jobs that no process could run: failed ones, written and told, where none has finished."""
    return _Lost(run, error).grid(jobs)


def in_memory(run: Runner, jobs: Iterable[Job]) -> list[str]:
    """The names of the datasets of jobs that this process alone has, in memory."""
    entries = run.registry.entries("datasets") if run.registry else ()
    memory = {entry.name for entry in entries if entry.plugin == "memory"}
    return sorted(memory & {name for job in jobs for name in (*job.task.sources, *job.task.targets)})


def refuse_memory(run: Runner, groups: Sequence[Sequence[Job]]) -> None:
    """Raises SettingError where a job needs a dataset in memory, which another process does not have."""
    if names := in_memory(run, (job for group in groups for job in group)):
        raise SettingError(
            f"Dataset '{names[0]}' is in the memory of this process, and others do not see it; expected a plugin file "
            "that registers it, or the executor 'serial' or 'ray'."
        )
