"""Kills the processes of `tlx worker` that fill one folder, at random times, and looks whether a result was lost.

    python benchmarks/torture/workers.py --kills 200 --workers 3

Most die a moment after they have their first claim. The cells are those of `run.py`: tiny, with four rounds that are
saved, and made-up training; all else is the command `tlx worker`. Each process takes itself to be on one of five hosts,
drawn anew: a claim of a dead one is seldom known to be so, and mostly taken over once its lease is over. There must be
none lost, changed, twice or damaged, and nothing left but results, plan and logs.
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import run

from tlx.cli import main as tlx
from tlx.runs import load_all
from tlx.runs.claims import Claims
from tlx.runs.store import Store

LEASE = 3.0  # seconds
HOSTS = [f"host{number}" for number in range(5)]
PLUGIN = Path(__file__).with_name("cells.py")
TAKEN = re.compile(r": taken over from process \d+ on (\S+)")


def spawn(words: list[str], host: str, notes: Path) -> int:
    """The number of a process that does a command of tlx."""
    if process := os.fork():  # nothing runs in JAX, and all is imported
        return process
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.environ |= {
            "TLX_PLUGINS": "",
            "TORTURE_HOST": host,
            "TORTURE_LEASE": str(LEASE),
            "TORTURE_NOTES": str(notes),
        }
        tlx(words)
    finally:
        os._exit(0)


def torture(kills: int, workers: int, seed: int = 0) -> dict[str, int]:
    """Kills so many processes, over as many suites as it takes, and counts what went wrong."""
    draw, home = random.Random(seed), Path(tempfile.mkdtemp(prefix="tlx-torture-"))
    names = ("kills", "suites", "cells", "taken over", "taken over from another host")
    counts: dict[str, int] = dict.fromkeys((*names, "lost", "changed", "twice", "damaged", "left"), 0)
    try:
        expected = {item.spec.hash: run.plain(item) for item in run.laboratory().bench(run.SUITE, out=home / "calm")}
        while counts["kills"] < kills:
            folder = home / str(counts["suites"])
            one_suite(folder, draw, min(kills, counts["kills"] + draw.randint(4, 12)), workers, expected, counts)
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return counts


def one_suite(
    folder: Path, draw: random.Random, until: int, workers: int, expected: dict[str, Any], counts: dict[str, int]
) -> None:
    """Fills a folder, killing workers until their number is `until` or all is there, and adds what it finds."""
    notes, seen, alive, at_work = folder.with_suffix(".notes"), {}, dict[int, float](), set[int]()
    notes.touch()
    plan = ["bench", "tiny", "--plan", "--out", str(folder), "--plugin", str(PLUGIN)]
    os.waitpid(spawn(plan, "planner", notes), 0)

    def look() -> None:
        now = {name: text for name, text in run.content(folder).items() if name != "plan.json"}
        counts["changed"] += sum(now.get(name) != text for name, text in seen.items())
        seen.update(now)

    while counts["kills"] < until and len(seen) < len(expected):
        while len(alive) < workers:
            process = spawn(["worker", str(folder)], draw.choice(HOSTS), notes)
            alive[process] = time.monotonic() + draw.uniform(0.05, 10.0)
        time.sleep(0.005)
        for process in holders(folder) & alive.keys() - at_work:
            at_work.add(process)
            alive[process] = min(alive[process], time.monotonic() + draw.uniform(0.0, 0.6))
        run.kill_the_due(alive, counts)
        look()
    run.kill_all(alive, counts)
    for host in HOSTS:  # each tidies up after its own dead
        os.waitpid(spawn(["worker", str(folder)], host, notes), 0)
    look()
    judge(folder, notes, expected, counts)


def holders(folder: Path) -> set[int]:
    """The processes that have a claim."""
    return {holder.process for _, holder, _ in Claims(folder).living()}


def judge(folder: Path, notes: Path, expected: dict[str, Any], counts: dict[str, int]) -> None:
    """Adds to the counts what is wrong with a folder that is done, and what its logs say of claims."""
    results = {result.spec.hash: run.plain(result) for result in load_all(folder)}
    files = {Store(folder).path(result.spec).name for result in results.values()}
    ended = [line.split()[0] for line in notes.read_text().splitlines()]
    others = {path.name for path in folder.iterdir()} - files - {"plan.json", "logs"}
    counts["suites"] += 1
    counts["cells"] += len(expected)
    counts["lost"] += sum(not same(results.get(key), result) for key, result in expected.items())
    counts["twice"] += len(ended) - len(set(ended))
    counts["damaged"] += sum(".damaged" in name for name in others)
    counts["left"] += len(others)
    for log in (folder / "logs").iterdir():
        from_hosts = TAKEN.findall(log.read_text())
        counts["taken over"] += len(from_hosts)
        counts["taken over from another host"] += sum(not log.name.startswith(f"{host}-") for host in from_hosts)


def same(result: Any, expected: Any) -> bool:
    """Whether a result has the scores of an undisturbed process."""
    return bool(result) and (result.status, result.selections) == (expected.status, expected.selections)


def main() -> None:
    """Prints the counts; exits with 1 where any is wrong."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts = torture(options.kills, options.workers, options.seed)
    print(json.dumps(counts))
    sys.exit(any(counts[name] for name in ("lost", "changed", "twice", "damaged", "left")))


if __name__ == "__main__":
    main()
