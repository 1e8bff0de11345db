"""Processes of this machine, spawned, each at a place of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tlx import SettingError
from tlx.executors import Executor, Job, Place, Process, ProcessDied, Result, Runner, Tell, refuse_memory
from tlx_executors.desk import Desk
from tlx_executors.places import divide, own_cores, own_gpus


@dataclass(frozen=True)
class Local(Executor):
    """Processes of this machine, each with cores of its own, and with a GPU where there are any.

    `jobs` is how many: 0 for one a GPU, or else one a core. `gpus` are the numbers of those to use, "0,1": "auto" for
    all, "none" for none. Where processes share a GPU, each takes its part of the memory. A process that dies costs its
    group one retry, which goes on from the last round; after that its runs are failed ones, and say why.

    Raises:
        SettingError: fewer jobs than none.
    """

    jobs: int = 0
    gpus: str = "auto"

    def __post_init__(self):
        if self.jobs < 0:
            raise SettingError(f"Executor 'local': jobs is {self.jobs}; expected 1 or more, or 0 for as many as fit.")

    def map(self, run: Runner, groups: Sequence[Sequence[Job]]) -> Iterator[Result]:
        """Yields the results of groups as they come; hooks are called here, of every process."""
        refuse_memory(run, groups)
        gpus, cores = own_gpus(self.gpus), own_cores()
        jobs = min(self.jobs or len(gpus) or len(cores), len(groups))
        yield from _Processes(run, groups).results(divide(jobs, cores, gpus))


class _Processes(Desk):
    """Has groups done by a process at each place."""

    def __init__(self, run: Runner, groups: Sequence[Sequence[Job]]):
        super().__init__(run, groups)
        self.processes: dict[int, Process] = {}

    def attempt(self, place: Place, group: Sequence[Job], tell: Tell) -> list[Result]:
        """The results by the process of a place; after one that died another one is started there."""
        try:
            return self._process(place).grid(group, tell)
        except ProcessDied:
            with self.lock:
                dead = self.processes.pop(place.number, None)
            if dead:
                dead.end()
            raise

    def end(self) -> None:
        """Ends all processes."""
        with self.lock:
            ended = [self.processes.pop(number) for number in list(self.processes)]
        for process in ended:
            process.end()

    def _process(self, place: Place) -> Process:
        with self.lock:
            if not self.open:
                raise ProcessDied("the executor has ended")
            if place.number not in self.processes:
                self.processes[place.number] = Process(place, self.run)
            return self.processes[place.number]
