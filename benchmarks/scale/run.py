"""Simulates ten thousand cells on a thousand workers that share a slow folder, and counts what went wrong.

    python benchmarks/scale/run.py --out benchmarks/results/scale

Claims are made by the code that `tlx worker` runs, `tlx.runs.claims`, on a clock and a folder that are made up: every
operation on a file takes time, and any other worker may act meanwhile. Cells take a random time. Workers die at random
times, in the middle of anything, and others come in their place after a while. No worker's clock is right, or of the
right pace. Where it is said, attributes of files are seen late, as network file systems keep them, and some operations
hang for longer than a lease. A cell that is taken over goes on from its last round, of 15 s.

Lost is a cell without a result in the end; twice is one that two workers brought to its end. A worker is a greenlet,
which gives way to the others whenever it waits (pip install greenlet).
"""

import argparse
import bisect
import contextlib
import heapq
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from greenlet import greenlet

from tlx.runs.claims import BEATS, LEASE, Claims, Files, Holder

HOUR, FOLDER = 3600.0, Path("folder")


@dataclass(frozen=True)
class World:
    """What is simulated; times are seconds."""

    name: str
    cells: int = 10_000
    workers: int = 1_000
    cell: float = 600.0  # on the mean; half of them take less than 0.88 of it, one in a hundred more than 2.8 times
    arrive: float = 300.0  # within which workers begin
    life: float = math.inf  # of a worker, on the mean
    gap: float = 300.0  # until another one comes in the place of a dead one
    clocks: float = 0.0  # by which a worker's clock is off, at most
    pace: float = 0.0  # by which it goes too fast or too slow, at most, as a part
    latency: float = 0.005  # of an operation on the folder, on the mean
    entry: float = 0.00002  # of each name in a listing besides
    late: float = 0.0  # by which the time of a file is seen too late
    hang: float = 0.0  # chance of an operation to take HANG seconds
    seed: int = 0


HANG = (60.0, 600.0)
ROUND = 15.0  # seconds, after which a cell is saved
ROUGH = World("rough", life=2 * HOUR, clocks=HOUR, pace=0.001, latency=0.05, late=30.0)
WORLDS = (
    World("calm"),
    ROUGH,
    replace(ROUGH, name="rough, operations hang", hang=1e-4),
    replace(ROUGH, name="rough, cells of 30 s", cell=30.0, life=HOUR),
)


class Died(BaseException):
    """A worker that is no more; nothing that it would do is done."""


class Actor:
    """Someone who acts when the time has come, and lets others act while it waits."""

    def __init__(self, time: "Time", dies: float):
        self.time, self.dies, self.program = time, dies, greenlet(self.run, time.turns)

    def run(self) -> None:
        """All that it does."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Lets time pass for this one. Raises Died where its end comes before."""
        ends = self.time.now + seconds
        self.time.at(min(ends, max(self.time.now, self.dies)), self)
        self.time.turns.switch()
        if self.time.now >= self.dies:
            raise Died


class Time:
    """The clock, and who acts when: one at a time."""

    def __init__(self):
        self.now, self.number, self.agenda = 0.0, 0, []
        self.turns = greenlet(self._turns)

    def at(self, when: float, actor: Actor) -> None:
        """Notes that an actor acts at a time."""
        self.number += 1
        heapq.heappush(self.agenda, (when, self.number, actor))

    def run(self) -> None:
        """Returns when nobody has anything to do."""
        self.turns.switch()

    def _turns(self) -> None:
        while self.agenda:
            self.now, _, actor = heapq.heappop(self.agenda)
            actor.program.switch()


class Folder:
    """Names, what is in them, and when they were touched; and the operations of every minute."""

    def __init__(self, world: World):
        self.world, self.random = world, random.Random(world.seed + 1)
        self.content: dict[str, bytes] = {}
        self.touched: dict[str, list[float]] = {}
        self.minutes, self.kinds = Counter[int](), Counter[str]()

    def operate(self, actor: Actor, kind: str, count: int = 1, names: int = 0) -> None:
        """Lets the time pass that operations take."""
        self.count(kind, count, actor.time.now)
        actor.wait(self.seconds(count) + names * self.world.entry)

    def count(self, kind: str, count: int, when: float) -> None:
        """Counts operations."""
        self.kinds[kind] += count
        self.minutes[int(when // 60)] += count

    def seconds(self, count: int) -> float:
        """The time that operations take."""
        hangs = self.random.uniform(*HANG) if self.random.random() < self.world.hang * count else 0.0
        return hangs + sum(self.random.expovariate(1 / self.world.latency) for _ in range(count))


class Simulated(Files):
    """The operations on the folder by one worker: as many as the real ones."""

    def __init__(self, folder: Folder, actor: Actor):
        self.folder, self.actor = folder, actor

    def names(self, folder: Path) -> list[str]:
        self.folder.operate(self.actor, "list", names=len(self.folder.content))
        self.folder.kinds["names listed"] += len(self.folder.content)
        return list(self.folder.content)

    def create(self, path: Path, content: bytes) -> bool:
        self.folder.operate(self.actor, "create", 2)  # the file beside is written and linked
        free = path.name not in self.folder.content
        if free:
            self.folder.content[path.name], self.folder.touched[path.name] = content, [self.actor.time.now]
        self.folder.operate(self.actor, "create")  # and removed
        return free

    def mark(self, path: Path) -> tuple[bytes, int] | None:
        self.folder.operate(self.actor, "look", 2)
        if path.name not in self.folder.content:
            return None
        touched = self.folder.touched[path.name]
        shown = self.actor.time.now - self.folder.world.late  # some touches are to come
        seen = max(0, bisect.bisect_right(touched, shown) - 1)
        return self.folder.content[path.name], round(touched[seen] * 1e9)

    def touch_until(self, path: Path, end: float) -> None:
        """Notes the touches of a claim by a thread beside, which the times of the file show once they have come."""
        when = self.actor.time.now
        while (when := when + LEASE / BEATS) < end:
            self.folder.count("touch", 1, when)
            when += self.folder.seconds(1)
            self.folder.touched[path.name].append(when)

    def remove(self, path: Path) -> None:
        self.folder.operate(self.actor, "remove")
        self.folder.content.pop(path.name, None)


class Held(Claims):
    """Claims that are touched by who holds them, between the steps of a cell, rather than by a thread beside."""

    mine: Sequence[Path] = ()

    @contextlib.contextmanager
    def _beating(self, paths: Sequence[Path]) -> Iterator[None]:
        self.mine = paths
        yield


class Worker(Actor):
    """As `Lab.work`: takes what is ready, does it where it has no result, and ends when none is left."""

    def __init__(self, simulation: "Simulation", number: int):
        world, draw = simulation.world, simulation.random
        begins = simulation.time.now
        lives = draw.expovariate(1 / world.life) if world.life < math.inf else math.inf
        super().__init__(simulation.time, begins + lives)
        self.simulation, self.number = simulation, number
        self.off, self.pace = draw.uniform(-world.clocks, world.clocks), 1 + draw.uniform(-world.pace, world.pace)
        self.files = Simulated(simulation.folder, self)
        holder = Holder(f"host{number}", number, token=str(number))
        self.claims = Held(FOLDER, LEASE, self.clock, self.sleep, lambda: holder, self.files)
        self.idle = self.busy = 0.0

    def clock(self) -> float:
        """Its own clock."""
        return self.off + self.pace * self.time.now

    def sleep(self, seconds: float) -> None:
        """Waits, by its own clock."""
        before = self.time.now
        self.wait(seconds / self.pace)
        self.idle += self.time.now - before

    def run(self) -> None:
        """From its first moment to its last."""
        begun = self.time.now
        try:
            self.work()
            self.claims.clean()
        except Died:
            self.simulation.died(self)
        self.simulation.overhead += self.time.now - begun - self.idle - self.busy

    def work(self) -> None:
        """What `Lab.work` does for one process."""
        names = self.simulation.names
        self.files.names(FOLDER)
        todo = [name for name in names if f"{name}.json" not in self.simulation.folder.content]
        begin = self.simulation.random.randrange(len(todo)) if todo else 0
        left = [(name,) for name in todo[begin:] + todo[:begin]]
        while ready := self.claims.ready(left):
            [name] = ready[0]
            with self.claims.hold([name]) as mine:
                if mine:
                    self.simulation.folder.operate(self, "look")
                    if f"{name}.json" not in self.simulation.folder.content:
                        self.cell(name)
                    left.remove((name,))

    def cell(self, name: str) -> None:
        """Trains, touches the claim meanwhile, and writes the result."""
        begun, saved = self.time.now, self.simulation.left
        left = saved[name]
        for path in self.claims.mine:
            self.files.touch_until(path, min(begun + left, self.dies))
        try:
            self.wait(left)
        finally:
            took = self.time.now - begun
            self.busy += took
            saved[name] = min(saved[name], left - took // ROUND * ROUND)
        self.simulation.folder.operate(self, "write", 3)  # the file beside is written, flushed and renamed
        self.simulation.came[name] += 1
        self.simulation.last = self.time.now
        self.simulation.folder.content[f"{name}.json"] = b""


class Simulation:
    """A world from its first worker to its last."""

    def __init__(self, world: World):
        self.world, self.random, self.time, self.folder = world, random.Random(world.seed), Time(), Folder(world)
        spread = 0.5
        draw = [self.random.lognormvariate(math.log(world.cell) - spread**2 / 2, spread) for _ in range(world.cells)]
        self.names = [f"task.strategy.{number:012x}" for number in range(world.cells)]
        self.left = dict(zip(self.names, draw, strict=True))  # seconds from what is saved
        self.length = sum(draw)
        self.came = Counter[str]()
        self.deaths, self.number, self.overhead, self.last = 0, 0, 0.0, 0.0

    def begin(self, when: float) -> None:
        """Has a worker begin at a time."""
        worker = Worker(self, self.number)
        worker.dies += when - self.time.now
        self.number += 1
        self.time.at(when, worker)

    def died(self, worker: Worker) -> None:
        """Another one comes in the place of a dead one, while there is work."""
        self.deaths += 1
        if len(self.came) < self.world.cells:
            self.begin(self.time.now + self.world.gap)

    def run(self) -> dict[str, Any]:
        """The figures."""
        for _ in range(self.world.workers):
            self.begin(self.random.uniform(0, self.world.arrive))
        self.time.run()
        kinds, world = self.folder.kinds, self.world
        names = kinds.pop("names listed")
        operations = sum(kinds.values())
        return {
            "lost": world.cells - len(self.came),
            "twice": sum(count > 1 for count in self.came.values()),
            "deaths": self.deaths,
            "claims left": sum(name.endswith(".claim") for name in self.folder.content),
            "hours": round(self.last / HOUR, 2),
            "ideal hours": round(self.length / world.workers / HOUR, 2),
            "overhead, s a cell": round(self.overhead / world.cells, 2),
            "operations a cell": round(operations / world.cells, 1),
            "operations a second": round(operations / self.last, 1),
            "operations a second, busiest minute": round(max(self.folder.minutes.values()) / 60, 1),
            "names listed a second": round(names / self.last),
            "operations": dict(sorted(kinds.items())),
        }


def table(runs: Sequence[dict[str, Any]]) -> str:
    """The runs in Markdown, a row each."""
    keys = [key for key in runs[0]["figures"] if key != "operations"]
    rows = [["", *keys], ["---", *["---:"] * len(keys)]]
    rows += [[run["world"]["name"], *(f"{run['figures'][key]:,}" for key in keys)] for run in runs]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Prints the table, and writes it; exits with 1 where a cell was lost."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--only", type=int, help="the number of one world, from 0")
    parser.add_argument("--out", help="path of the table and its JSON, without the ending")
    options = parser.parse_args()
    chosen = WORLDS if options.only is None else [WORLDS[options.only]]
    worlds = [replace(world, cells=options.cells, workers=options.workers) for world in chosen]
    runs = []
    for world in worlds:
        figures = Simulation(world).run()
        runs.append({"world": {**asdict(world), "life": str(world.life)}, "figures": figures})
        print(json.dumps(runs[-1]["figures"]), flush=True)
    print(table(runs))
    if options.out:
        Path(f"{options.out}.json").write_text(json.dumps({"lease": LEASE, "runs": runs}, indent=1) + "\n")
        page = HEAD.format(cells=worlds[0].cells, workers=worlds[0].workers, table=table(runs))
        Path(f"{options.out}.md").write_text(page)
    raise SystemExit(any(run["figures"]["lost"] for run in runs))


HEAD = """# {cells:,} cells on {workers:,} workers, simulated

`python benchmarks/scale/run.py --cells {cells} --workers {workers} --out benchmarks/results/scale`: by the code that
claims runs for `tlx worker`, on a clock and a folder that are made up; no machine was measured. Seed 0, one simulation
a row. Cells take ten minutes on the mean. In a rough world workers live two hours on the mean (one hour where cells are
of 30 s), clocks differ by up to an hour, an operation takes 50 ms on the mean, the time of a file is seen 30 s late;
where operations hang, one in ten thousand takes one to ten minutes.

{table}
"""

if __name__ == "__main__":
    main()
