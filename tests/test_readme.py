"""README's commands exist; `tests/docs/test_blocks.py` runs its code."""

import re
from pathlib import Path

import click

from tlx.cli import cli

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def test_its_commands_are_there():
    """The two set-up commands are single lines, and every `tlx` command that is named exists."""
    assert len(re.findall(r"^python3 -m venv \.venv && .*$", TEXT, re.MULTILINE)) == 2
    used = set(re.findall(r"(?:^|`|/)tlx (\w+)", TEXT, re.MULTILINE))
    assert used >= {"bench", "check", "list", "report", "run"}
    assert used <= set(cli.list_commands(click.Context(cli)))
