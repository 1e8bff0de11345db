"""A worker that is a process of its own: it takes orders as lines of JSON, and tells what becomes of them as such.

What is printed goes to stderr. Started by `tlx.executors.process`: `python -m tlx.executors.worker CORES`.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence

from tlx.executors.wire import Wire, Worker


def main(arguments: Sequence[str]) -> None:
    """Works until its input ends. CORES are the numbers of those that it may use, with commas between."""
    if arguments and hasattr(os, "sched_setaffinity"):  # before JAX, which makes as many threads as it sees cores
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, [int(core) for core in arguments[0].split(",")])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; who started this process ends it
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a runner lets through: claims are released
    wire = Wire(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    worker = Worker(wire)
    try:
        for line in sys.stdin:
            worker.work(json.loads(line))
    except KeyboardInterrupt:
        sys.exit(143)


if __name__ == "__main__":
    main(sys.argv[1:])
