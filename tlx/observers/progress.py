"""A progress bar with the time left, and a line for each run that ends. Written to stderr: stdout is for tables."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from tlx.runs.result import Result
    from tlx.runs.spec import Spec


class Bar:
    """An observer of runs; in a `with` block its bar is shown, where stderr is a terminal.

    Elsewhere, in a log, a run that takes long says every so many seconds (`every`) how far it is.
    """

    def __init__(self, specs: Sequence["Spec"], console: Console | None = None, every: float = 300.0):
        self.console = console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        # a run that compiles stands still for long: judge the speed by ten minutes, not by the last round
        shown = self.console.is_terminal
        self.bar = Progress(*columns, console=self.console, speed_estimate_period=600, disable=not shown)
        self.task = self.bar.add_task("", total=sum(spec.weight for spec in specs))
        self.count, self.ended = len(specs), 0
        self.done: dict[str, float] = {}  # of the work of each run, by its hash: a grid has several under way
        self.every, self.told = every, time.monotonic()

    def __enter__(self) -> "Bar":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def tlx_run_started(self, spec: "Spec") -> None:
        """Names the run beside the bar."""
        self.bar.update(self.task, description=escape(spec.label))

    def tlx_round_finished(self, spec: "Spec", progress: Any) -> None:
        """Moves the bar by the part of the run that is done."""
        self._move(spec, progress.round / progress.rounds)
        if not self.console.is_terminal and time.monotonic() - self.told >= self.every:
            self._line(spec, f"round {progress.round} of {progress.rounds}")

    def tlx_run_finished(self, spec: "Spec", result: "Result") -> None:
        """Moves the bar to the end of the run, and writes its line."""
        self._line(spec, told(result))
        self.ended += 1
        self._move(spec, 1.0)

    def _move(self, spec: "Spec", part: float) -> None:
        self.done[spec.hash] = spec.weight * part
        self.bar.update(self.task, completed=sum(self.done.values()))

    def _line(self, spec: "Spec", what: str) -> None:
        self.told = time.monotonic()
        self.console.print(f"{self.ended + 1}/{self.count} {spec.label}: {what}", markup=False, soft_wrap=True)


def told(result: "Result") -> str:
    """A result in a few words: the mean accuracy at the last step, or the error."""
    seconds = f"{result.times.wall:.1f} s, of which {result.times.compile:.1f} s compiling"
    if result.status == "absent":
        return f"absent: {str(result.error).splitlines()[0]}"  # the rest, how to get them, is told once at the end
    if not result.finished:
        return f"failed after {seconds}: {result.error}"
    if "last" not in result.selections:
        return f"finished, {seconds}"
    values = result.accuracy("last")
    return f"accuracy {sum(values) / len(values):.3f} [n={len(values)}], {seconds}"
