"""What a results folder holds, what is under way in it and where, and what is still to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tlx.runs.claims import Holder
from tlx.runs.plan import NAME, read_plan
from tlx.runs.result import Result
from tlx.runs.spec import Spec
from tlx.runs.store import Store, load_all


@dataclass(frozen=True)
class Status:
    """How far the runs of a folder are.

    `running` has the name of a run, who is at it, and the seconds since its last sign of life; `ahead` the runs of the
    plan without a result, None without a plan.
    """

    folder: Path
    results: list[Result]
    running: list[tuple[str, Holder, float]]
    ahead: list[Spec] | None

    def of(self, status: str) -> list[Result]:
        """The results of a status: "finished", "failed" or "absent"."""
        return [result for result in self.results if result.status == status]

    @property
    def missing(self) -> list[Spec] | None:
        """The runs of the plan that have no result, and that nobody is at."""
        running = {name for name, *_ in self.running}
        return None if self.ahead is None else [spec for spec in self.ahead if spec.file_name not in running]

    @property
    def seconds_left(self) -> float | None:
        """How long the runs ahead will take, divided among those that run now.

        Each is taken to last as finished ones of its strategy did, for its steps and seeds. None without a plan, or
        before one has finished.
        """
        finished = self.of("finished")
        if self.ahead is None or not finished:
            return None
        work = sum(_pace(finished, spec.strategy) * spec.weight for spec in self.ahead)
        return work / max(1, len(self.running))

    def lines(self) -> Iterator[str]:
        """The status, as `tlx status` prints it."""
        counts = [f"{len(found)} {name}" for name in ("finished", "failed", "absent") if (found := self.of(name))]
        counts += [f"{len(self.running)} running"] if self.running else []
        missing = self.missing
        counts += [f"{len(missing)} missing"] if missing is not None else []
        left = self.seconds_left
        hours = f"; {_duration(left)} left" if left else ""
        yield f"{self.folder}: {', '.join(counts) or 'nothing yet'}{hours}"
        for name, holder, age in self.running:
            job = f", job {holder.job}" if holder.job else ""
            yield f"running  {name}: process {holder.process} on {holder.host}{job}, heard of {age:.0f} s ago"
        for result in self.of("failed"):
            yield f"failed   {result.spec.label}: {str(result.error).splitlines()[0]}"
        for result in self.of("absent"):
            yield f"absent   {result.spec.label}: {str(result.error).splitlines()[0]}"
        for spec in missing or ():
            yield f"missing  {spec.label}"
        if missing is None:
            yield f"There is no {NAME} here, so what is missing is not known; `tlx bench SUITE --plan` writes one."


def read_status(folder: str | Path) -> Status:
    """The status of a folder.

    Raises:
        ResultError: there is no such folder, or its plan is damaged.
    """
    store, results = Store(folder), load_all(folder)
    running = store.claims.living()
    if not (store.folder / NAME).exists():
        return Status(store.folder, results, running, None)
    there = {result.spec.file_name for result in results}
    return Status(
        store.folder, results, running, [spec for spec in read_plan(store).specs if spec.file_name not in there]
    )


def _pace(finished: list[Result], strategy: str) -> float:
    """The mean seconds of one step of one seed, of a strategy where one of it has finished, or else of all."""
    own = [result for result in finished if result.spec.strategy == strategy] or finished
    return sum(result.times.wall / result.spec.weight for result in own) / len(own)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"
