"""The command line: one command a file. Nothing here imports JAX or NumPy before a command needs it."""

import sys

try:
    from tlx.cli.main import cli, main
except KeyboardInterrupt:  # in the first moments there is nothing to go on with
    sys.stderr.write("\nInterrupted.\n")
    raise SystemExit(130) from None

__all__ = ["cli", "main"]
