"""Kills the processes that fill a results folder, a thousand times, and looks whether a result was lost.

    python benchmarks/torture/run.py --kills 1000 --workers 3

A suite of tiny cells is filled by several processes at once, each of which gets SIGKILL: half of them before or after
one of the calls by which files are written, linked, renamed and removed, or in the middle of a write, the others after
a random time. New ones take their place. When the kills of a suite are used up, one process comes to its end in peace.
Everything is the code that `tlx worker` runs, but for the training, which is made up: every cell has four rounds, each
saved, so that a cell goes on from where it was killed. Then there must be

- none lost: every cell has its result, which is what an undisturbed process gives;
- none changed: a result that was once there in full has never changed;
- none twice: no cell was trained to its end after its result was there;
- no leftovers: the folder holds results and nothing else.
"""

import argparse
import builtins
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import tlx
from tlx.data import Arrays
from tlx.engine import saved
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.runs import load_all
from tlx.runs.result import Times
from tlx.runs.store import Store
from tlx.score import Selector

ROUNDS = 4
SECONDS = 0.002  # a round takes
CALLS = ("fsync", "replace", "link", "unlink", "rmdir", "mkdir")
SUITE = tlx.Suite("tiny", ("a->b", "b->a"), ("one", "two", "three"), backbone="none", recipe="tiny", seeds=2)


class Evaluation(NamedTuple):
    """As the engine's."""

    phase: str
    step: int
    source_logits: np.ndarray
    target_logits: np.ndarray
    metrics: dict[str, Any]
    observed: dict[str, Any]


class Outcome(NamedTuple):
    """As the engine's."""

    seeds: tuple[int, ...]
    evaluations: list[Evaluation]
    diverged: tuple[bool, ...]
    steps: int
    compile_seconds: float
    train_seconds: float
    device: str
    sees: tuple[str, ...]
    asked: tuple[int, ...] = ()


class Tiny:
    """The plugin: two datasets, strategies that do nothing, a recipe, a selector."""

    @tlx.hookimpl
    def tlx_strategies(self, register):
        for name in SUITE.strategies:
            register(name, Nothing)

    @tlx.hookimpl
    def tlx_backbones(self, register):
        register("none", lambda in_shape, rngs: None)

    @tlx.hookimpl
    def tlx_datasets(self, register):
        for number, name in enumerate("ab"):
            register(name, lambda number=number, name=name: dataset(name, number))

    @tlx.hookimpl
    def tlx_tasks(self, register):
        protocol = tlx.Protocol("tiny-8", "tiny images", size=8, channels=1)
        for task in SUITE.tasks:
            source, target = task.split("->")
            register(task, tlx.Task((source,), (target,), protocol))

    @tlx.hookimpl
    def tlx_recipes(self, register):
        register("tiny", Recipe(name="tiny", steps=ROUNDS, rounds=ROUNDS))

    @tlx.hookimpl
    def tlx_selectors(self, register):
        register("last", Last)


@tlx.strategy
class Nothing(tlx.Strategy):
    """Does nothing."""


class Last(Selector):
    """The last step."""

    def score(self, evidence):
        """The step."""
        return evidence.step


def dataset(name: str, seed: int) -> tlx.Dataset:
    """A few random images."""
    random = np.random.default_rng(seed)

    def split(part: str, rows: int) -> Arrays:
        origin = np.array([f"{name}/{part}/{row}" for row in range(rows)])
        return Arrays(random.integers(0, 255, (rows, 8, 8, 1), np.uint8), np.arange(rows, dtype=np.int32) % 3, origin)

    return tlx.Dataset(name, split("train", 12), split("test", 9), ("x", "y", "z"))


def train_grid(points: Any, backbone: Any, data: Any, seeds: Any, options: Any) -> list[Outcome]:
    """Makes logits up from the rounds so far, saves each round, and goes on from what is saved."""
    there = options.saved.load()
    begun, carry = (there.position.rounds, there.leaves[0]) if there else (0, np.zeros(3))
    evaluations = [evaluate(data, flat) for flat in there.evaluations] if there else []
    for number in range(begun, ROUNDS):
        carry = carry * 0.5 + np.random.default_rng(number).normal(size=3)
        flat = {"carry": carry, "step": np.array(number + 1)}
        evaluations.append(evaluate(data, flat))
        time.sleep(SECONDS)
        options.saved.save(saved.Position(0, number + 1, number + 1), [carry], np.ones(1, bool), number, flat)
    return [Outcome(tuple(seeds), evaluations, (False,) * len(seeds), ROUNDS, 0.0, 0.0, "none", ("source",))]


def evaluate(data: Any, flat: Any) -> Evaluation:
    """The evaluation that a carry gives, the same for every seed."""

    def logits(rows: int) -> np.ndarray:
        return np.stack([np.cos(np.arange(rows)[:, None] * 7 + flat["carry"] * 40)] * SUITE.seeds)

    step = int(flat["step"])
    return Evaluation("train", step, logits(len(data.source_val.y)), logits(len(data.test.y)), {}, {})


def make_up_the_engine() -> None:
    """Puts `train_grid` in the place of the engine's."""
    engine = ModuleType("tlx.engine.train")
    vars(engine).update(
        train_grid=train_grid, compile_ahead=lambda *_: None, Point=lambda *point: point, Options=Options
    )
    sys.modules["tlx.engine.train"] = engine


def laboratory(log: Path | None = None) -> tlx.Lab:
    """A session with the plugin and the made-up engine; with `log`, runs that end are noted there."""
    make_up_the_engine()
    registry = Registry()
    registry.add(Tiny(), "tiny")
    return tlx.Lab(observers=[Notes(log)] if log else [], progress=False, registry=registry)


class Options:
    """What the runner gives to the engine."""

    def __init__(self, saved: Any, **_: Any):
        self.saved = saved


class Notes:
    """Notes the runs that end: one line each, in one write."""

    def __init__(self, log: Path):
        self.log = log

    def tlx_run_finished(self, spec, result):
        """As the hook."""
        with self.log.open("ab", buffering=0) as file:
            file.write(f"{spec.hash} {result.status}\n".encode())


def die() -> None:
    """As from outside: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def aim(draw: random.Random) -> None:
    """Has this process killed before or after one of its next calls that change files, or in the middle of a write."""
    left, before = [draw.randint(1, 40)], draw.random() < 0.5

    def aimed(call: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and before:
                die()
            given = call(*args, **options)
            if left[0] == 0:
                die()
            return given

        return killed

    for name in CALLS:
        setattr(os, name, aimed(getattr(os, name)))
    opened = builtins.open

    def half(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = opened(path, mode, *args, **options)
        if "b" in mode and ("w" in mode or "x" in mode):
            left[0] -= 1
            if left[0] == 0:
                file.write(b'{"format"')
                file.flush()
                die()
        return file

    builtins.open = half


def spawn(folder: Path, log: Path, seed: int | None) -> int:
    """The number of a process that fills the folder; with a seed, one that may kill itself at a call."""
    if process := os.fork():  # nothing runs in JAX, and all is imported
        return process
    try:
        lab = laboratory(log)
        if seed is not None:
            aim(random.Random(seed))
        lab.bench(SUITE, out=folder)
    finally:
        os._exit(0)


def content(folder: Path) -> dict[str, bytes]:
    """The result files of a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*.json")}


def torture(kills: int, workers: int, seed: int = 0) -> dict[str, int]:
    """Kills so many processes, over as many suites as it takes, and counts what went wrong."""
    draw, counts = (
        random.Random(seed),
        dict.fromkeys(("kills", "suites", "cells", "lost", "changed", "twice", "left"), 0),
    )
    home = Path(tempfile.mkdtemp(prefix="tlx-torture-"))
    try:
        expected = {result.spec.hash: plain(result) for result in laboratory().bench(SUITE, out=home / "undisturbed")}
        assert all(result.finished for result in expected.values()), "the suite itself fails"
        while counts["kills"] < kills:
            folder = home / str(counts["suites"])
            one_suite(folder, draw, min(kills, counts["kills"] + draw.randint(5, 40)), workers, expected, counts)
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return counts


def one_suite(
    folder: Path, draw: random.Random, until: int, workers: int, expected: dict[str, Any], counts: dict[str, int]
) -> None:
    """Fills a folder, killing processes until their number is `until`, and adds what it finds to the counts."""
    log, seen, alive = folder.with_suffix(".log"), {}, {}
    log.touch()

    def look() -> None:
        now = content(folder) if folder.is_dir() else {}
        counts["changed"] += sum(now.get(name) != text for name, text in seen.items())
        seen.update(now)

    while counts["kills"] < until:
        while len(alive) < workers:
            aimed = draw.random() < 0.5
            process = spawn(folder, log, draw.randrange(2**32) if aimed else None)
            alive[process] = time.monotonic() + (5 if aimed else draw.uniform(0.01, 0.25))
        time.sleep(0.005)
        kill_the_due(alive, counts)
        look()
        if len(seen) == len(expected):  # a suite that is full takes few more
            break
    kill_all(alive, counts)
    os.waitpid(spawn(folder, log, None), 0)
    look()
    judge(folder, log, expected, counts)


def kill_the_due(alive: dict[int, float], counts: dict[str, int]) -> None:
    """Kills the processes whose time is over, forgets all that have ended, and counts those that were killed."""
    for process, ends in list(alive.items()):
        if time.monotonic() > ends:
            os.kill(process, signal.SIGKILL)
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            del alive[process]
            counts["kills"] += os.WIFSIGNALED(status)


def kill_all(alive: dict[int, float], counts: dict[str, int]) -> None:
    """Kills what is alive, and counts it."""
    for process in alive:
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        counts["kills"] += os.WIFSIGNALED(status)


def judge(folder: Path, log: Path, expected: dict[str, Any], counts: dict[str, int]) -> None:
    """Adds to the counts what is wrong with a folder that is done."""
    results = {result.spec.hash: plain(result) for result in load_all(folder)}
    names = {Store(folder).path(result.spec).name for result in results.values()}
    ended = [line.split()[0] for line in log.read_text().splitlines()]
    counts["suites"] += 1
    counts["cells"] += len(expected)
    counts["lost"] += sum(results.get(key) != result for key, result in expected.items())
    counts["twice"] += len(ended) - len(set(ended))
    counts["left"] += len({path.name for path in folder.iterdir()} - names)


def plain(result: Any) -> Any:
    """A result without its times."""
    return replace(result, times=Times("", 0.0))


def main() -> None:
    """Prints the counts; exits with 1 where any is wrong."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts = torture(options.kills, options.workers, options.seed)
    print(json.dumps(counts))
    sys.exit(any(counts[name] for name in ("lost", "changed", "twice", "left")))


if __name__ == "__main__":
    main()
