"""Where runs take place. Runs are independent and jobs can be pickled, so another place is one small class."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from tlx.runs.resolve import Job
from tlx.runs.result import Result

if TYPE_CHECKING:
    from tlx.runs.runner import Runner


class Executor(Protocol):
    """Calls `run` on every job and yields the results as they come, in any order.

    `run` can be pickled: in another process it loads the plugins that the job's spec names, and observers of this one
    hear nothing.
    """

    def map(self, run: "Runner", jobs: Iterable[Job]) -> Iterator[Result]: ...


class Serial:
    """One after the other, in this process."""

    def map(self, run: "Runner", jobs: Iterable[Job]) -> Iterator[Result]:
        """Yields each result before the next run starts."""
        for job in jobs:
            yield run(job)


class Together:
    """All at once, as one grid: of jobs that differ in settings alone."""

    def map(self, run: "Runner", jobs: Iterable[Job]) -> Iterator[Result]:
        """Yields the results when all are there."""
        grid = list(jobs)
        yield from run.grid(grid) if grid else ()
