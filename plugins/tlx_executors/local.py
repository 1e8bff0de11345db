"""Processes of this machine, spawned, each at a place of its own."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tlx import SettingError
from tlx.executors import (
    Executor,
    Job,
    Place,
    Process,
    ProcessDied,
    Result,
    Runner,
    give_up,
    refuse_memory,
)
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
        desk = _Desk(run, groups)
        threads = [threading.Thread(target=desk.serve, args=(place,)) for place in divide(jobs, cores, gpus)]
        for thread in threads:
            thread.start()
        try:
            for _ in groups:
                yield from desk.next()
        finally:
            desk.close()
            for thread in threads:
                thread.join()


class _Desk:
    """Hands groups to workers, a thread each, and takes what they tell; the main thread calls the hooks."""

    def __init__(self, run: Runner, groups: Sequence[Sequence[Job]]):
        self.run, self.todo, self.told = run, list(groups), queue.Queue()
        self.lock, self.open, self.processes = threading.Lock(), True, dict[int, Process]()

    def next(self) -> list[Result]:
        """The results of the next group that ends. Raises what a thread raised."""
        while True:
            kind, content = self.told.get()
            if kind == "results":
                return content
            if kind == "died":
                return give_up(self.run, *content)
            if kind == "error":
                raise content
            getattr(self.run.hooks, kind)(**content)

    def close(self) -> None:
        """Ends all processes."""
        with self.lock:
            self.open = False
            ended = [self.processes.pop(number) for number in list(self.processes)]
        for process in ended:
            process.end()

    def serve(self, place: Place) -> None:
        """A thread: has groups done by the process of a place until there are none."""
        try:
            while group := self._take():
                self._do(place, group)
        except Exception as error:
            self.told.put(("error", error))

    def _take(self) -> Sequence[Job]:
        with self.lock:
            return self.todo.pop(0) if self.open and self.todo else []

    def _do(self, place: Place, group: Sequence[Job]) -> None:
        for tries in (1, 2):
            try:
                results = self._process(place).grid(group, lambda hook, given: self.told.put((hook, given)))
            except ProcessDied as error:
                with self.lock:
                    dead = self.processes.pop(place.number, None)
                if not dead:  # the executor has ended
                    return
                dead.end()
                if tries == 2:
                    self.told.put(("died", (group, ProcessDied(f"tried twice: {error}"))))
            else:
                self.told.put(("results", results))
                return

    def _process(self, place: Place) -> Process:
        with self.lock:
            if not self.open:
                raise ProcessDied("the executor has ended")
            if place.number not in self.processes:
                self.processes[place.number] = Process(place, self.run)
            return self.processes[place.number]
