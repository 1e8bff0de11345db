"""A progress bar with the time left, and a line for each run that ends. Written to stderr: stdout is for tables."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichBar

if TYPE_CHECKING:
    from tlx.engine.train import Progress
    from tlx.runs.result import Result
    from tlx.runs.spec import Spec


class Bar:
    """An observer of runs; in a `with` block its bar is shown, where stderr is a terminal.

    Elsewhere, in a log, a line says every so many seconds (`every`) how far a long run is.
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
        self.bar = RichBar(
            *columns, console=self.console, speed_estimate_period=600, disable=not self.console.is_terminal
        )
        self.task = self.bar.add_task("", total=sum(spec.weight for spec in specs))
        self.count, self.ended = len(specs), 0
        self.done: dict[str, float] = {}  # of the work of each run, by its hash: a grid has several under way
        self.every, self.last_line = every, time.monotonic()

    def __enter__(self) -> "Bar":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def tlx_run_started(self, spec: "Spec") -> None:
        """Names the run beside the bar."""
        self.bar.update(self.task, description=escape(spec.label))

    def tlx_round_finished(self, spec: "Spec", progress: "Progress") -> None:
        """Moves the bar by the part of the run that is done."""
        self._move(spec, progress.round / progress.rounds)
        if not self.console.is_terminal and time.monotonic() - self.last_line >= self.every:
            self._line(spec, f"round {progress.round} of {progress.rounds}")

    def tlx_run_finished(self, spec: "Spec", result: "Result") -> None:
        """Moves the bar to the end of the run, and writes its line."""
        self._line(spec, in_words(result))
        self.ended += 1
        self._move(spec, 1.0)

    def came(self, specs: Iterable["Spec"]) -> None:
        """Moves the bar to the end of runs that another process has done."""
        for spec in specs:
            if self.done.get(spec.hash) != spec.weight:
                self.ended += 1
                self._move(spec, 1.0)

    def _move(self, spec: "Spec", part: float) -> None:
        self.done[spec.hash] = spec.weight * part
        self.bar.update(self.task, completed=sum(self.done.values()))

    def _line(self, spec: "Spec", text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(f"{self.ended + 1}/{self.count} {spec.label}: {text}", markup=False, soft_wrap=True)


def in_words(result: "Result") -> str:
    """A result in a few words: its mean main score at the last step, or the error."""
    seconds = f"{result.times.wall:.1f} s, of which {result.times.compile:.1f} s compiling"
    if result.status == "absent":
        return f"absent: {str(result.error).splitlines()[0]}"  # the command says at its end how to get them
    if not result.finished:
        return f"failed after {seconds}: {result.error}"
    if "last" not in result.selections:
        return f"finished, {seconds}"
    if result.metric is None:
        return f"no labels to score by [n={len(result.spec.seeds)}], {seconds}"
    values = result.accuracy("last")
    name = {"r2": "R^2", "hos": "H-score", "cluster": "cluster accuracy"}.get(result.metric, result.metric)
    return f"{name} {sum(values) / len(values):.3f} [n={len(values)}], {seconds}"
