"""Where runs take place. Runs are independent and their specs can be pickled, so another place is one small class."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from tlx.runs.result import Result
from tlx.runs.spec import Spec


class Executor(Protocol):
    """Calls `run` on every spec and yields the results as they come, in any order.

    `run` can be pickled: in another process it loads the plugins that the spec names, and no observer of this one
    hears.
    """

    def map(self, run: Callable[[Spec], Result], specs: Iterable[Spec]) -> Iterator[Result]: ...


class Serial:
    """One after the other, in this process."""

    def map(self, run: Callable[[Spec], Result], specs: Iterable[Spec]) -> Iterator[Result]:
        """Yields each result before the next run starts."""
        for spec in specs:
            yield run(spec)


class Together:
    """All at once, as one grid: of specs that differ in settings alone."""

    def map(self, run: Any, specs: Iterable[Spec]) -> Iterator[Result]:
        """Yields the results when all are there; `run` is a `Runner`."""
        grid = list(specs)
        yield from run.grid(grid) if grid else ()
