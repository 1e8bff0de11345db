"""The command line: one command a file. Nothing here imports JAX or NumPy before a command needs it."""

from tlx.cli.main import cli, main

__all__ = ["cli", "main"]
