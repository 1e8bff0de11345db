"""Hands groups of runs to places, a thread each, and takes what is told there."""

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tlx.executors import Job, ProcessDied, Result, Runner, Tell, give_up


class Desk:
    """Groups are tried at places, `tries` times each where they die; after that their runs are failed ones.

    What the hooks are told comes by a queue, so that the main thread alone calls them.
    """

    def __init__(self, run: Runner, groups: Sequence[Sequence[Job]], tries: int = 2):
        self.run, self.todo, self.count, self.tries = run, list(groups), len(groups), tries
        self.told: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.lock, self.open = threading.Lock(), True

    def attempt(self, place: Any, group: Sequence[Job], tell: Tell) -> list[Result]:
        """The results of a group at a place; called by the thread of the place.

        Raises:
            ProcessDied: it ended before, or nothing can run there.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Ends what is under way; `attempt` then raises."""
        raise NotImplementedError

    def results(self, places: Sequence[Any]) -> Iterator[Result]:
        """Yields the results of groups as they come. Raises what a thread raised."""
        threads = [threading.Thread(target=self._serve, args=(place,)) for place in places]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self.count):
                yield from self._next()
        finally:
            with self.lock:
                self.open = False
            self.end()
            for thread in threads:
                thread.join()

    def _next(self) -> list[Result]:
        while True:
            kind, content = self.told.get()
            if kind == "results":
                return content
            if kind == "died":
                return give_up(self.run, *content)
            if kind == "error":
                raise content
            getattr(self.run.hooks, kind)(**content)

    def _serve(self, place: Any) -> None:
        try:
            while group := self._take():
                self._do(place, group)
        except Exception as error:
            self.told.put(("error", error))

    def _take(self) -> Sequence[Job]:
        with self.lock:
            return self.todo.pop(0) if self.open and self.todo else []

    def _do(self, place: Any, group: Sequence[Job]) -> None:
        for tried in range(1, self.tries + 1):
            try:
                results = self.attempt(place, group, lambda hook, given: self.told.put((hook, given)))
            except ProcessDied as error:
                if not self.open:
                    return
                if tried == self.tries:
                    self.told.put(("died", (group, ProcessDied(f"tried {times(tried)}: {error}"))))
            else:
                self.told.put(("results", results))
                return


def times(count: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
