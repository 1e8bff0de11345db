"""How `tlx` starts: it reads and imports what the command shows, and no more."""

import os
import subprocess
import sys

import pytest

from tlx.plugins import KINDS

COUNT = """
import sys
from tlx.plugins import target
calls = []
for name in ("describe", "verify", "_text"):
    def count(*args, name=name, call=getattr(target, name)):
        calls.append(name)
        return call(*args)
    setattr(target, name, count)
from tlx.cli import main
try:
    main(sys.argv[1:])
finally:
    heavy = {"numpy", "jaxtyping", "jax", "flax", "rich", "tlx.plugins.file"} & sys.modules.keys()
    print(sorted(set(calls)), sorted(heavy), file=sys.stderr)
"""


def start(*args: str) -> tuple[str, str]:
    environ = {key: value for key, value in os.environ.items() if key != "TLX_PLUGINS"}
    done = subprocess.run([sys.executable, "-c", COUNT, *args], capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("args", [("--help",), ("run", "--help"), ("--version",)])
def test_help_reads_no_summary_and_imports_nothing_heavy(args):
    out, counted = start(*args)
    assert out and counted == "[] []"


def test_a_list_reads_the_text_of_what_it_shows_and_parses_nothing():
    out, counted = start("list", "strategies")
    assert "source_only" in out and counted == "['_text', 'describe'] []"
    assert start("list", "recipes")[1] == "[] []"  # registered with their summaries


def test_a_list_of_all_there_is_imports_nothing_heavy():
    out, counted = start("list")
    assert all(f"{kind} (" in out for kind in KINDS) and counted == "['_text', 'describe'] []"
