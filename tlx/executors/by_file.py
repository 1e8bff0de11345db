"""A worker for engines that share a folder: its order is a file there, and it tells what becomes of it in one beside.

`python -m tlx.executors.by_file NAME.json` writes NAME.told. SIGTERM and Ctrl-C end it; its claims are released.
"""

import json
import signal
import socket
import sys
from pathlib import Path

from tlx.executors.wire import Wire, Worker


def main(path: str) -> None:
    """Does an order; exits with 130 where it is ended, and with a line where the file is not there."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asked = json.loads(Path(path).read_bytes())
        with Path(path).with_suffix(".told").open("a") as out:
            Worker(Wire(out)).work(asked)
    except FileNotFoundError:
        sys.exit(f"There is no {path} on {socket.gethostname()}; expected a folder that all nodes share.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
